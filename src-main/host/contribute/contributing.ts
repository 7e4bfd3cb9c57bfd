import { systemClock, toCoded, type Clock, type Events, type Service } from '../../base/index.ts';
import type { ContributeService, HostServiceEvents } from '../../api/index.ts';
import type { Contribution } from '../../../src-preload/bridge/index.ts';
import type { OpenedSession } from '../../pipeline/index.ts';
import { checkConfig, configSchema, type ConfigSource, type HostConfig } from '../config.ts';
import { updateConfigFile } from '../config-file.ts';
import type { Node } from '../node.ts';
import { contributionView, type LoadedRange } from './contribution-view.ts';
import type { Gate } from './gate.ts';
import type { Ledger } from './ledger.ts';
import { keysOf, whenOf, type ContributeChange } from './limits.ts';
import type { MachineWatch } from './machine-watch.ts';
import { decide, type Decision } from './policy.ts';
import { ServedSessions } from './served-sessions.ts';

const LOOK_EVERY_MS = 10_000;
/** While somebody is served: figures move. */
const SERVING_EVERY_MS = 1_000;
/** For answers under way when this machine stops serving; others take over after it. */
const LEAVE_GRACE_MS = 30_000;

export interface ContributionInit {
  readonly gate: Gate;
  readonly node: Pick<Node, 'mesh' | 'runner' | 'presence' | 'held' | 'logger'>;
  readonly ledger: Ledger;
  readonly machine: MachineWatch;
  readonly events: Events<HostServiceEvents>;
  /** Files are given to others otherwise than before. */
  readonly onSharing: (config: HostConfig) => Promise<void>;
  readonly clock?: Clock;
  readonly times?: { readonly lookEveryMs: number; readonly servingEveryMs: number; readonly graceMs: number };
}

/** Lets others use this node as its owner says, leaves them politely when that ends, and tells the owner what they get. */
export class Contributing implements ContributeService, Service {
  readonly name = 'contributing';
  readonly #init: ContributionInit;
  readonly #clock: Clock;
  readonly #offs: (() => void)[] = [];
  readonly #served = new ServedSessions();
  #loaded: readonly LoadedRange[] = [];
  #looking: NodeJS.Timeout | undefined;
  #serving: NodeJS.Timeout | undefined;
  #lookedMs = 0;
  #leaving: { readonly over: AbortController; readonly done: Promise<void> } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #told = '';

  constructor(init: ContributionInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
  }

  async start(): Promise<void> {
    const { runner } = this.#init.node;
    const isOurs = (peer: string): boolean => peer === this.#init.node.mesh.peerId;
    this.#offs.push(
      runner.events.on('session:opened', (session) => { if (!isOurs(session.coordinator)) this.#opened(session); }),
      runner.events.on('session:closed', (session) => { if (!isOurs(session.coordinator)) this.#closed(session); }),
      runner.events.on('rows:computed', ({ session, coordinator, rows, layers }) => { if (!isOurs(coordinator)) this.#init.ledger.computed(session, rows, layers); }),
      runner.events.on('engine:loaded', (engine) => {
        this.#loaded = [...this.#loaded, engine];
        this.#tell();
      }),
      runner.events.on('engine:unloaded', ({ modelHash, layers }) => {
        const at = this.#loaded.findIndex((one) => one.modelHash === modelHash && one.layers.first === layers.first && one.layers.last === layers.last);
        this.#loaded = this.#loaded.filter((_, index) => index !== at);
        this.#tell();
      }),
    );
    await this.#decide();
    this.#looking = setInterval(() => void this.#decide(), this.#times.lookEveryMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking);
    clearInterval(this.#serving);
    for (const off of this.#offs) off();
    this.#leaving?.over.abort();
    await this.#leaving?.done;
    await this.#turn;
    await this.#init.ledger.save();
  }

  get(): Contribution {
    const { gate, node, ledger, machine } = this.#init;
    return contributionView({
      config: gate.config, decision: gate.decision, sessions: this.#served.now, last: this.#served.last, loaded: this.#loaded, held: heldOf(node), ledger, known: machine.known,
      nameOf: (peer) => node.presence?.member(peer)?.profile.name,
    });
  }

  /** Throws HOST_BAD_CONFIG. */
  set(change: ContributeChange): Promise<Contribution> {
    return this.apply(keysOf(change));
  }

  /** Writes keys of the configuration and goes by them at once; undefined takes one out. Throws HOST_BAD_CONFIG. */
  apply(keys: ConfigSource): Promise<Contribution> {
    return this.#inTurn(async () => {
      const { gate } = this.#init;
      checkConfig('contribute.set', { ...gate.config, ...keys });
      await updateConfigFile(gate.config.home, (source) => ({ ...source, ...keys }));
      await this.#goBy(keys);
    });
  }

  /** Goes by keys that the file of the configuration has already; undefined: the default. */
  adopt(keys: ConfigSource): Promise<Contribution> {
    return this.#inTurn(() => this.#goBy(keys));
  }

  async #goBy(keys: ConfigSource): Promise<void> {
    const { gate, onSharing, node } = this.#init;
    const before = gate.config;
    gate.config = configSchema.parse({ ...before, ...keys });
    if (gate.config.shareStore !== before.shareStore || gate.config.uploadBytesPerSecond !== before.uploadBytesPerSecond) await onSharing(gate.config);
    await this.#decide();
    node.presence?.changed();
  }

  pause(ms: number): Promise<Contribution> {
    return this.#inTurn(() => this.#pauseUntil(this.#clock.now() + ms));
  }

  resume(): Promise<Contribution> {
    return this.#inTurn(() => this.#pauseUntil(undefined));
  }

  get #times(): NonNullable<ContributionInit['times']> {
    return this.#init.times ?? { lookEveryMs: LOOK_EVERY_MS, servingEveryMs: SERVING_EVERY_MS, graceMs: LEAVE_GRACE_MS };
  }

  // One after the other: each writes the file that the one before left.
  async #inTurn(act: () => Promise<void>): Promise<Contribution> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    await done;
    return this.get();
  }

  async #pauseUntil(until: number | undefined): Promise<void> {
    await this.#init.ledger.pause(until);
    await this.#decide();
  }

  async #decide(): Promise<void> {
    const { gate, ledger, machine } = this.#init;
    const { config } = gate;
    const before = gate.decision;
    const now = await machine.look({ isComputing: this.#served.now.length > 0, withLoad: config.contribute && config.contributeMaxLoad !== undefined });
    const decision = decide({ isOn: gate.config.contribute, pausedUntil: ledger.pausedUntil, limits: whenOf(gate.config), machine: now, before }, new Date(this.#clock.now()));
    gate.decision = decision;
    if (decision.kind === 'serve') this.#stay();
    else if (before.kind === 'serve') this.#leave(decision);
    if (decision.kind !== before.kind) this.#init.node.presence?.changed();
    this.#tell();
  }

  #stay(): void {
    this.#leaving?.over.abort();
    this.#leaving = undefined;
  }

  #leave(decision: Decision): void {
    const { node: { runner, mesh, logger }, gate } = this.#init;
    const over = new AbortController();
    const done = runner.leave({ isFor: (peer) => peer !== mesh.peerId, reason: gate.refusal() ?? 'it pauses for now', graceMs: this.#times.graceMs, signal: over.signal })
      .catch((error: unknown) => logger.warn({ code: toCoded(error).code, why: decision.kind }, 'others could not be left cleanly'));
    this.#leaving = { over, done };
  }

  // Told before it is counted: on a quick machine a session may be over by then.
  #opened(session: OpenedSession): void {
    this.#init.ledger.opened();
    this.#served.opened(session);
    this.#tell();
    if (this.#serving === undefined) {
      this.#lookedMs = this.#clock.monotonicMs();
      this.#serving = setInterval(() => void this.#look(), this.#times.servingEveryMs).unref();
    }
    void this.#look();
  }

  #closed(session: OpenedSession): void {
    this.#served.closed(session, this.#clock.now());
    this.#tell();
    void this.#look();
  }

  async #look(): Promise<void> {
    const { node: { runner, mesh }, ledger } = this.#init;
    const sessions = await this.#served.count(async () => (await runner.serving()).filter(({ coordinator }) => coordinator !== mesh.peerId));
    if (sessions === undefined) return;
    if (this.#serving !== undefined) {
      const nowMs = this.#clock.monotonicMs();
      ledger.look(sessions, nowMs - this.#lookedMs);
      this.#lookedMs = nowMs;
    }
    if (sessions.length === 0) {
      clearInterval(this.#serving);
      this.#serving = undefined;
    }
    this.#tell();
  }

  #tell(): void {
    const now = this.get();
    const text = JSON.stringify(now);
    if (text === this.#told) return;
    this.#told = text;
    this.#init.events.emit('contribution', now);
  }
}

// A catalogue in trouble costs the list, not what runs.
function heldOf(node: Pick<Node, 'held' | 'logger'>): ReturnType<Node['held']> {
  try {
    return node.held();
  } catch (error) {
    node.logger.warn({ code: toCoded(error).code }, 'what the store holds cannot be told');
    return [];
  }
}
