import { Events, RateLimiter, toCoded, type Clock, type Logger, type Metrics, type PeerId, type Service, type Unsubscribe } from '../../base/index.ts';
import { CAPABILITY_LIMITS, CAPABILITY_PROTOCOL, CAPABILITY_RATE } from '../protocols/capability/constants.ts';
import type { Question, Told } from '../protocols/capability/schema.ts';
import { serveCapability } from '../protocols/capability/server.ts';
import type { Mesh, TopicMessage, TopicRefusal } from '../types.ts';
import { CapabilityAnnouncer, type AnnouncerTimes } from './announcer.ts';
import { Asker } from './asker.ts';
import { Directory, type DirectoryEvents, type Member, type PeerClock } from './directory.ts';
import { capabilityMetrics, type CapabilityMetrics } from './metrics.ts';
import { isWrong, open, type CapabilityMessage, type Envelope } from './message.ts';
import { ALL_AUTHORS_RATE, AUTHOR_RATE, CAPABILITY_TOPIC, FAREWELL_MS, SWEEP_MS } from './options.ts';
import { Orphans } from './orphans.ts';
import type { Profile } from './profile.ts';
import { Signs } from './signs.ts';
import { Suspicions } from './suspicions.ts';

export interface PresenceInit {
  readonly mesh: Mesh;
  /** What this node is and can do now; asked at every beat, so it must be quick. */
  readonly profile: () => Profile | Promise<Profile>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly times?: Partial<AnnouncerTimes>;
  /** What its author signed; throws what `open` does. Default `open`; a simulation of many nodes reads the same bytes once for all of them. */
  readonly read?: (bytes: Uint8Array) => Envelope;
}

/** Who is there, and what each can do: tells of this node and keeps what others tell. Dials nobody. Runs once, over a mesh that was started. */
export class Presence implements Service {
  readonly name = 'presence';
  readonly events = new Events<DirectoryEvents>();
  readonly #init: PresenceInit;
  readonly #metrics: CapabilityMetrics;
  readonly #directory: Directory;
  readonly #announcer: CapabilityAnnouncer;
  readonly #asker: Asker;
  readonly #suspicions: Suspicions;
  readonly #signs: Signs;
  readonly #orphans: Orphans;
  readonly #read: (bytes: Uint8Array) => Envelope;
  readonly #authors: RateLimiter;
  readonly #all: RateLimiter;
  readonly #offs: Unsubscribe[] = [];
  /** No neighbour was left since one was met last. */
  #wasAlone = false;

  constructor(init: PresenceInit) {
    const { mesh, clock } = init;
    this.#init = init;
    this.#read = init.read ?? open;
    this.#metrics = capabilityMetrics(init.metrics);
    this.#authors = new RateLimiter(AUTHOR_RATE, clock);
    this.#all = new RateLimiter(ALL_AUTHORS_RATE, clock);
    this.#directory = new Directory({ self: mesh.peerId, clock, events: this.events, onMissing: (peer) => this.#asker.missing(peer) });
    this.#announcer = new CapabilityAnnouncer({
      signer: mesh.signer, clock, profile: init.profile, members: () => this.#directory.count,
      publish: (bytes) => mesh.publish(CAPABILITY_TOPIC, bytes), onTrouble: this.#trouble, ...(init.times === undefined ? {} : { times: init.times }),
    });
    this.#suspicions = new Suspicions({ directory: this.#directory, clock, neighbours: () => mesh.peers().length, tell: (lost) => this.#announcer.tellLost(lost) });
    this.#orphans = new Orphans({ self: mesh.peerId, directory: this.#directory, clock, neighbours: () => mesh.peers().length, doubt: (peers) => void this.#suspicions.doubt(peers) });
    this.#signs = new Signs({ mesh, clock, onSilent: (peer) => this.#suspicions.lost(peer), onTrouble: this.#trouble });
    this.#asker = new Asker({ mesh, clock, onTold: (told) => this.#takeTold(told), isMissing: (peer) => this.#directory.isMissing(peer), onTrouble: this.#trouble });
  }

  async start(): Promise<void> {
    const { mesh, clock } = this.#init;
    const rate = new RateLimiter(CAPABILITY_RATE, clock);
    const sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    const count = (): void => this.#metrics.members(this.#directory.count);
    this.#offs.push(
      () => clearInterval(sweeping),
      mesh.guard(CAPABILITY_TOPIC, (message) => this.#hear(message)),
      mesh.events.on('peer:identify', ({ peer }) => this.#onMet(peer)),
      mesh.events.on('peer:disconnect', ({ peer }) => this.#onLost(peer)),
      this.events.on('peer:joined', count), this.events.on('peer:left', count),
      await mesh.handle(CAPABILITY_PROTOCOL, CAPABILITY_LIMITS, (stream) => void serveCapability(stream, { rate, told: (question) => this.#answer(question) }).catch(this.#trouble)),
    );
    await this.#signs.start();
    await this.#announcer.start();
    for (const { peer } of mesh.peers()) this.#onMet(peer);
  }

  /** Says farewell, and waits a moment for who hears it. Call it before the connections are closed. */
  async stop(): Promise<void> {
    this.#asker.stop();
    this.#suspicions.stop();
    if (this.#offs.length === 0) return;
    await this.#announcer.stop();
    await this.#farewell();
    this.#signs.stop();
    for (const off of this.#offs.splice(0)) off();
  }

  /** Others that are there and told what they can do. */
  members(): readonly Member[] {
    return this.#directory.members();
  }

  member(peer: PeerId): Member | undefined {
    return this.#directory.member(peer);
  }

  /** How the clocks of those that are there stand to ours, and of connected ones that are not taken because of theirs. */
  clocks(): readonly PeerClock[] {
    const trips = new Map(this.#init.mesh.peers().map(({ peer, rttMs, figures }) => [peer, figures?.minRttMs ?? rttMs ?? 0]));
    return this.#directory.clocks().filter(({ peer, isTaken }) => isTaken || trips.has(peer)).map((one) => ({ ...one, aheadMs: one.aheadMs + (trips.get(one.peer) ?? 0) / 2 }));
  }

  /** It was there and left: what connections it still has mean nothing. */
  isGone(peer: PeerId): boolean {
    return this.#directory.isGone(peer);
  }

  /** This node as it told of itself last. */
  self(): Member | undefined {
    const { profile, startedAt } = this.#announcer;
    return profile === undefined ? undefined : { peer: this.#init.mesh.peerId, profile, startedAt, since: startedAt };
  }

  /** Something of this node changed: it is told now, not with the next beat. */
  changed(): Promise<void> {
    return this.#announcer.check();
  }

  #onMet(peer: PeerId): void {
    this.#announcer.greet();
    // Who had nobody left, or lost this one, may have been given up by all.
    if (this.#suspicions.found(peer) || this.#wasAlone) this.#announcer.isHere();
    this.#wasAlone = false;
    const summary = this.#init.mesh.peers().find((known) => known.peer === peer);
    if (summary === undefined) return;
    this.#signs.met(summary);
    if (summary.protocols.includes(CAPABILITY_PROTOCOL)) this.#asker.met(peer);
  }

  #onLost(peer: PeerId): void {
    this.#wasAlone = this.#init.mesh.peers().length === 0;
    this.#signs.lost(peer);
    this.#suspicions.lost(peer);
  }

  #sweep(): void {
    const missedMs = this.#directory.sweep();
    this.#signs.check(missedMs);
    this.#orphans.check();
    // Others may have taken us for dead meanwhile.
    if (missedMs > 0) this.#announcer.isHere();
  }

  /** Guard and ear in one: a message is read and its signature checked once, and what we do not take is not passed on either. */
  #hear({ from, data }: TopicMessage): TopicRefusal | undefined {
    if (!this.#authors.take(from) || !this.#all.take('all')) return this.#refuse('CAPABILITY_FLOODED', 'ignore');
    try {
      const envelope = this.#read(data);
      if (envelope.message.peer !== from) return this.#refuse('CAPABILITY_FORGED', 'reject');
      const refusal = this.#directory.take(envelope) ?? this.#hearLosses(envelope.message);
      return refusal === undefined ? undefined : this.#refuse(refusal, 'ignore');
    } catch (error) {
      return this.#refuse(toCoded(error).code, isWrong(error) ? 'reject' : 'ignore');
    }
  }

  /** Told before, it is not passed on: of the neighbours of a lost node several may have told it. */
  #hearLosses(message: CapabilityMessage): string | undefined {
    if (message.kind !== 'alive' || message.lost === undefined) return undefined;
    const { peerId } = this.#init.mesh;
    for (const loss of message.lost) if (loss.peer === peerId) this.#announcer.refute(loss);
    const heard = this.#suspicions.heard(message.peer, message.lost.filter(({ peer }) => peer !== peerId));
    return heard === 'new' ? undefined : heard === 'known' ? 'CAPABILITY_LOSS_KNOWN' : 'CAPABILITY_FLOODED';
  }

  /** Of a neighbour's answer; ends at the first message that its author did not sign. */
  #takeTold(told: readonly Told[]): PeerId | undefined {
    let last: PeerId | undefined;
    for (const { bytes, leftMs } of told) {
      try {
        const envelope = this.#read(bytes);
        last = envelope.message.peer;
        const refusal = this.#directory.take(envelope, { leftMs });
        if (refusal !== undefined && refusal !== 'CAPABILITY_OWN' && refusal !== 'CAPABILITY_REPLAYED') this.#metrics.refused(refusal);
      } catch (error) {
        this.#metrics.refused(toCoded(error).code);
        if (isWrong(error)) return undefined;
      }
    }
    return last;
  }

  *#answer(question: Question): Iterable<readonly Told[]> {
    const { mesh } = this.#init;
    const all = (after: string): readonly PeerId[] => [...this.#directory.peersAfter(after), ...(mesh.peerId > after ? [mesh.peerId] : [])].toSorted();
    for (const peer of 'peers' in question ? question.peers as readonly PeerId[] : all(question.after)) {
      const told = peer === mesh.peerId ? this.#announcer.told.map(({ bytes, message }) => ({ bytes, leftMs: message.ttlMs })) : this.#directory.toldOf(peer);
      if (told.length > 0) yield told;
    }
  }

  /** What was sent on a connection before an answered ping has arrived. */
  async #farewell(): Promise<void> {
    const { mesh } = this.#init;
    const signal = AbortSignal.timeout(FAREWELL_MS);
    await Promise.allSettled(mesh.subscribers(CAPABILITY_TOPIC).map((peer) => mesh.ping(peer, { signal })));
  }

  #refuse(code: string, verdict: TopicRefusal['verdict']): TopicRefusal {
    this.#metrics.refused(code);
    return { verdict, code };
  }

  readonly #trouble = (error: unknown): void => {
    const { code, message } = toCoded(error);
    this.#init.logger.debug({ code, message }, 'who is there');
  };
}
