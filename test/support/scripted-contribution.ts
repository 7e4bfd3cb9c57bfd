import type { ContributeService, HostServiceEvents, SetupService } from '../../src-main/api/index.ts';
import type { Events } from '../../src-main/base/index.ts';
import type { CommandParsed, Contribution } from '../../src-preload/bridge/index.ts';

const NONE = { since: 1_800_000_000_000, tokens: 0, layerTokens: 0, sessions: 0, servedMs: 0 };

export const CONTRIBUTION: Contribution = {
  isOn: false, serving: [], sessions: 0, loaded: [], offers: [{ model: 'OmniNode Guide', totalLayers: 6, layers: [[0, 5]] }], total: NONE, sinceStart: NONE,
  limits: { memoryBytes: 4e9, threads: 4, gpuLayers: null, shareStore: true, uploadBytesPerSecond: null, onlyOnPower: true, afterIdleMs: null, maxLoad: null, schedule: [] },
  machine: { ramTotalBytes: 16e9, cores: 8, knows: { battery: true, idle: false, load: true, heat: true } }, reach: 'local',
};

export const SERVING: Partial<Contribution> = {
  serving: [0, 1].map((index) => ({
    session: `s${index}`, peerId: `12D3KooWScriptedAsker${index}`, ...(index === 0 ? { name: 'studio' } : {}), model: 'omni-guide', layers: [3, 5], since: 1_800_000_000_000, tokens: 1234 + index,
  })),
  lastServed: { peerId: '12D3KooWScriptedAsker2', model: 'omni-guide', layers: [0, 2], at: 1_800_000_400_000 }, sessions: 2, loaded: [{ model: 'omni-guide', layers: [3, 5], bytes: 2_600_000 }],
  total: { since: 1_800_000_000_000, tokens: 48_213, layerTokens: 144_639, sessions: 17, servedMs: 8_040_000 }, sinceStart: { since: 1_800_000_500_000, tokens: 2469, layerTokens: 7407, sessions: 2, servedMs: 61_000 },
};

/** Does what it is told and remembers it; computes for nobody. */
export class ScriptedContribution implements ContributeService {
  readonly changes: CommandParsed<'contribute.set'>[] = [];
  readonly #events: Events<HostServiceEvents>;
  #now = CONTRIBUTION;

  constructor(events: Events<HostServiceEvents>) {
    this.#events = events;
  }

  get(): Contribution {
    return this.#now;
  }

  show(change: Partial<Contribution>): Contribution {
    this.#now = { ...this.#now, ...change };
    this.#events.emit('contribution', this.#now);
    return this.#now;
  }

  async set(change: CommandParsed<'contribute.set'>): Promise<Contribution> {
    this.changes.push(change);
    return this.show({ ...(change.isOn === undefined ? {} : { isOn: change.isOn }), limits: { ...this.#now.limits, ...change.limits } as Contribution['limits'] });
  }

  async pause(ms: number): Promise<Contribution> {
    return this.show({ hold: { reason: 'paused', until: Date.now() + ms } });
  }

  async resume(): Promise<Contribution> {
    const { hold: _, ...now } = this.#now;
    this.#now = now;
    return this.show({});
  }
}

/** Due once; remembers what was chosen. */
export class ScriptedSetup implements SetupService {
  readonly finished: CommandParsed<'setup.finish'>[] = [];
  isDue = true;

  get(): ReturnType<SetupService['get']> {
    return { isDue: this.isDue, machine: CONTRIBUTION.machine, suggested: CONTRIBUTION.limits };
  }

  async finish(choices: CommandParsed<'setup.finish'>): Promise<{ needsRestart: boolean }> {
    this.finished.push(choices);
    this.isDue = false;
    return { needsRestart: choices.reach !== 'machine' };
  }

  async skip(): Promise<Record<string, never>> {
    this.isDue = false;
    return {};
  }
}
