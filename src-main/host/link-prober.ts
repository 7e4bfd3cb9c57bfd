import { RateLimiter, toCoded, type Clock, type Logger, type PeerId, type Service } from '../base/index.ts';
import type { Mesh, PeerSummary } from '../mesh/index.ts';
import type { LinkMeter } from './link-meter.ts';

/** How often it is seen what is due. */
export const ROUND_MS = 10_000;
/** A link in use is pinged at every round, an idle one this often. */
export const IDLE_PING_MS = 60_000;
/** An idle link's throughput is measured this often; that of one in use is seen by what it carries. */
export const BANDWIDTH_EVERY_MS = 15 * 60_000;
/** How much of what it is sent an idle link loses is measured this often, of one link a round: it takes some seconds. */
const LOSS_EVERY_MS = 15 * 60_000;
/** What a link carries from one round to the next that makes it one in use. */
export const BUSY_BYTES = 64 * 1024;
/** What they put on the wire, both directions, with all that opening a stream takes. */
export const PING_COST_BYTES = 1024;
export const BANDWIDTH_COST_BYTES = 576 * 1024;
export const LOSS_COST_BYTES = 64 * 1024;

export interface LinkProberInit {
  readonly mesh: Pick<Mesh, 'peers' | 'ping' | 'loss'>;
  readonly meter: Pick<LinkMeter, 'measure' | 'bandwidthTo'>;
  /** Over all links, both directions; 0: nothing is probed. */
  readonly bytesPerMinute: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

interface Seen {
  /** Carried in all when it was looked at last. */
  bytes: number;
  pingedMs: number;
  measuredMs: number;
  lossMs: number;
}

/** Keeps the figures of the links fresh, within a budget: links in use by pings, idle ones rarely. */
export class LinkProber implements Service {
  readonly name = 'link-prober';
  readonly #init: LinkProberInit;
  readonly #seen = new Map<PeerId, Seen>();
  readonly #budget: RateLimiter;
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor(init: LinkProberInit) {
    this.#init = init;
    const perSecond = init.bytesPerMinute / 60;
    this.#budget = new RateLimiter({ perSecond, burst: init.bytesPerMinute, maxKeys: 1 }, init.clock);
  }

  start(): Promise<void> {
    if (this.#init.bytesPerMinute > 0) this.#timer = setInterval(() => void this.round(), ROUND_MS).unref();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#over.abort();
    await this.#round;
  }

  /** Probes what is due now, one link after the other; one that is still under way is waited for instead. Never rejects. */
  round(): Promise<void> {
    return (this.#round ??= this.#probeDue().finally(() => { this.#round = undefined; }));
  }

  async #probeDue(): Promise<void> {
    const links = this.#look();
    const isQuiet = links.every(({ isBusy }) => !isBusy);
    // Those that waited longest first, so that a small budget goes round.
    for (const { summary, seen, isBusy } of links.toSorted((a, b) => a.seen.pingedMs - b.seen.pingedMs)) {
      if (this.#over.signal.aborted) return;
      if (this.#isDue(seen.pingedMs, isBusy ? 0 : IDLE_PING_MS) && this.#take(PING_COST_BYTES)) await this.#ping(summary.peer, seen);
    }
    // A probe would take its share of a way that is in use, be it another link's.
    if (!isQuiet) return;
    for (const { summary, seen } of links.toSorted((a, b) => a.seen.measuredMs - b.seen.measuredMs)) {
      if (this.#over.signal.aborted) return;
      if (summary.route === 'direct' && this.#isDue(seen.measuredMs, BANDWIDTH_EVERY_MS)) await this.#measure(summary, seen);
    }
    const [lossy] = links.filter(({ summary, seen }) => summary.route === 'direct' && this.#isDue(seen.lossMs, LOSS_EVERY_MS)).toSorted((a, b) => a.seen.lossMs - b.seen.lossMs);
    if (lossy === undefined || this.#over.signal.aborted || !this.#take(LOSS_COST_BYTES)) return;
    lossy.seen.lossMs = this.#nowMs();
    await this.#attempt(this.#init.mesh.loss(lossy.summary.peer, { signal: this.#over.signal }));
  }

  #look(): readonly { readonly summary: PeerSummary; readonly seen: Seen; readonly isBusy: boolean }[] {
    const peers = this.#init.mesh.peers();
    const connected = new Set(peers.map(({ peer }) => peer));
    for (const peer of this.#seen.keys()) if (!connected.has(peer)) this.#seen.delete(peer);
    return peers.map((summary) => {
      const bytes = (summary.figures?.sentBytes ?? 0) + (summary.figures?.receivedBytes ?? 0);
      const known = this.#seen.get(summary.peer);
      // Whoever connects is pinged at once.
      const seen = known ?? { bytes, pingedMs: this.#nowMs(), measuredMs: Number.NEGATIVE_INFINITY, lossMs: Number.NEGATIVE_INFINITY };
      this.#seen.set(summary.peer, seen);
      const isBusy = bytes - seen.bytes >= BUSY_BYTES;
      seen.bytes = bytes;
      return { summary, seen, isBusy };
    });
  }

  async #ping(peer: PeerId, seen: Seen): Promise<void> {
    seen.pingedMs = this.#nowMs();
    await this.#attempt(this.#init.mesh.ping(peer, { signal: this.#over.signal }));
  }

  async #measure({ peer, address }: PeerSummary, seen: Seen): Promise<void> {
    const { meter } = this.#init;
    // A plan had it measured of late.
    if (meter.bandwidthTo(peer) === undefined) {
      if (!this.#take(BANDWIDTH_COST_BYTES)) return;
      await this.#attempt(meter.measure({ peer, addresses: [address], signal: this.#over.signal }));
    }
    seen.measuredMs = this.#nowMs();
  }

  readonly #take = (bytes: number): boolean => this.#budget.take('', bytes);
  readonly #isDue = (lastMs: number, everyMs: number): boolean => this.#nowMs() - lastMs >= everyMs;
  readonly #nowMs = (): number => this.#init.clock.monotonicMs();

  /** A peer may leave, or be silent, amid a probe: the connection's own check for life says when it is gone. */
  async #attempt(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      const { code, message } = toCoded(error);
      this.#init.logger.debug({ code, message }, 'a link was not measured');
    });
  }
}
