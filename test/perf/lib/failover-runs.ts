import { asPeerId, systemClock, type CodedError } from '../../../src-main/base/index.ts';
import type { Cluster, Node } from '../../../src-main/host/index.ts';
import { GREEDY, type SamplingOptions } from '../../../src-main/inference/index.ts';
import { createReroute, type Candidate, type Pipeline } from '../../../src-main/pipeline/index.ts';

export type Harm = 'kill' | 'freeze';

export interface FailoverRun {
  readonly harm: Harm;
  readonly stage: number;
  /** The harm is done when this many tokens were read. */
  readonly atToken: number;
  readonly sampling: SamplingOptions;
  readonly tokens: number;
}

export interface FailoverResult {
  readonly tokens: readonly number[];
  readonly failovers: number;
  /** From the harm to the first token that was not on its way by then; undefined: the answer was over. */
  readonly lossToNextTokenMs: number | undefined;
  readonly error: CodedError | undefined;
}

export const SEEDED: SamplingOptions = { ...GREEDY, temperature: 0.9, topK: 40, seed: 42 };

export interface Stand {
  readonly cluster: Cluster;
  readonly node: Node;
  readonly contextTokens: number;
}

/** A pipeline over the cluster's nodes as they are now. Nodes that end stay away until `revive`; who is left takes over. */
export function openOver({ cluster, node, contextTokens }: Stand): Promise<Pipeline> {
  const candidates = (): Candidate[] => cluster.nodes.map(({ peerId, addresses }) => ({ peer: asPeerId(peerId), addresses }));
  const modelHash = cluster.model.manifest.model_hash;
  return node.coordinator.openPipeline({
    route: cluster.nodes.map(({ peerId, addresses, layers }) => ({ peer: asPeerId(peerId), addresses, layers })),
    modelHash, contextTokens, batchTokens: 32, dtype: 'f16',
    reroute: createReroute({ modelHash, candidates, queryOffers: (request) => node.coordinator.queryOffers(request), timeoutMs: 3_000 }),
  });
}

/** One answer during which one stage's process is killed or stopped. The cluster is whole again afterwards. */
export async function runOnce(stand: Stand, promptTokens: Int32Array, run: FailoverRun): Promise<FailoverResult> {
  const pipeline = await openOver(stand);
  const victim = stand.cluster.nodes[run.stage];
  const tokens: number[] = [];
  const clock = systemClock;
  let harmedMs: number | undefined;
  let next: number | undefined;
  let arrived = 0;
  try {
    const generation = pipeline.generate({ promptTokens, sampling: run.sampling, maxTokens: run.tokens, endTokens: [] });
    const error = await (async () => {
      for await (const { token } of generation) {
        tokens.push(token);
        if (harmedMs !== undefined && next === undefined && generation.failovers > 0 && tokens.length > arrived) next = clock.monotonicMs() - harmedMs;
        if (tokens.length !== run.atToken || victim === undefined) continue;
        process.kill(victim.pid, run.harm === 'kill' ? 'SIGKILL' : 'SIGSTOP');
        [harmedMs, arrived] = [clock.monotonicMs(), generation.received];
      }
      return undefined;
    })().catch((reason: CodedError) => reason);
    return { tokens, failovers: generation.failovers, lossToNextTokenMs: next, error };
  } finally {
    await pipeline.close();
    if (victim !== undefined) await stand.cluster.revive([asPeerId(victim.peerId)]);
  }
}
