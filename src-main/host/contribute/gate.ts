import type { HostConfig } from '../config.ts';
import type { Decision } from './policy.ts';

/** How much of this machine others' stages may take. */
export type StageLimits = Pick<HostConfig, 'threads' | 'gpuLayers'> & { readonly memoryBytes: number | undefined };

/** What a node that its owner limits asks at every turn. */
export interface ServingRules {
  /** Why others are not served now, in words that they read; undefined: they are. */
  refusal(): string | undefined;
  limits(): StageLimits;
  /** What others call this node, now. */
  name(): string | undefined;
  logLevel(): HostConfig['logLevel'];
}

/** Of the configuration what says how much. */
const stageLimits = ({ threads, gpuLayers, contributeThreads, contributeGpuLayers, contributeMemoryBytes }: HostConfig): StageLimits =>
  ({ threads: contributeThreads ?? threads, gpuLayers: contributeGpuLayers ?? gpuLayers, memoryBytes: contributeMemoryBytes });

/** What was decided last, for the node that serves by it. */
export class Gate implements ServingRules {
  decision: Decision;
  config: HostConfig;

  constructor(config: HostConfig) {
    this.config = config;
    // Nobody is served before it was looked whether anybody may be.
    this.decision = { kind: 'off' };
  }

  // Not why it pauses: when its owner sits at the machine is nobody's business.
  refusal(): string | undefined {
    if (this.decision.kind === 'serve') return undefined;
    return this.decision.kind === 'off' ? 'its owner has switched that off' : 'it pauses for now';
  }

  limits(): StageLimits {
    return stageLimits(this.config);
  }

  name(): string | undefined {
    return this.config.name;
  }

  logLevel(): HostConfig['logLevel'] {
    return this.config.logLevel;
  }
}
