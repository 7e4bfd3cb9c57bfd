import { endsIn, isCoded, type Clock, type PeerId } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import type { MeasuredLink, MeasureRequest } from '../pipeline/index.ts';
import { ensureConnected, type Dialler } from './connect.ts';

/** What was measured longer ago is measured again. */
export const LINK_MAX_AGE_MS = 10 * 60_000;
/** A peer that was not reached is not tried again for this long: a dial into nowhere takes many seconds each time. */
const FAILURE_AGE_MS = 2 * 60_000;
/** Given up before that, it may have been the asker's haste. */
const PATIENCE_MS = 2_000;
const PINGS = 3;
const MAX_REMEMBERED = 1024;

export interface LinkMeterInit {
  readonly mesh: Dialler & Pick<Mesh, 'ping' | 'bandwidth'>;
  readonly clock: Clock;
}

interface Remembered {
  readonly link: Pick<MeasuredLink, 'rttMs' | 'bytesPerSecond'> | { readonly failure: unknown };
  readonly atMs: number;
}

/** Measures the links of this node, one at a time, so that none is measured while another takes its share of the way. */
export class LinkMeter {
  readonly #init: LinkMeterInit;
  readonly #remembered = new Map<PeerId, Remembered>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(init: LinkMeterInit) {
    this.#init = init;
  }

  /** Dials the peer where it is not connected, at addresses that end in its id. Rejects with MESH_* where it is not reached or does not answer. */
  readonly measure = async ({ peer, addresses, signal }: MeasureRequest): Promise<MeasuredLink> => {
    const known = this.#recall(peer);
    if (known !== undefined) return known;
    return this.#inTurn(async () => {
      signal.throwIfAborted();
      // Somebody before us in the queue may have asked for the same.
      return this.#recall(peer) ?? await this.#measureNow({ peer, addresses, signal });
    });
  };

  async #measureNow({ peer, addresses, signal }: MeasureRequest): Promise<MeasuredLink> {
    const { mesh, clock } = this.#init;
    const startedMs = clock.monotonicMs();
    try {
      await ensureConnected(mesh, { peer, addresses: addresses.filter((address) => endsIn(address, peer)), signal });
      const link = { rttMs: await this.rtt(peer, signal), bytesPerSecond: await this.#probe(peer, signal) };
      this.#remember(peer, link);
      return { ...link, ageMs: 0 };
    } catch (failure) {
      if (!signal.aborted || clock.monotonicMs() - startedMs >= PATIENCE_MS) this.#remember(peer, { failure });
      throw failure;
    }
  }

  /** The least of a few: what a ping takes more than that, it waited somewhere. */
  async rtt(peer: PeerId, signal: AbortSignal): Promise<number> {
    const all: number[] = [];
    for (let i = 0; i < PINGS; i++) all.push(await this.#init.mesh.ping(peer, { signal }));
    return Math.min(...all);
  }

  /** Of a connected peer; undefined where it does not take part or is too slow to tell. */
  bandwidth(peer: PeerId, signal: AbortSignal): Promise<number | undefined> {
    return this.#inTurn(() => this.#probe(peer, signal));
  }

  async #probe(peer: PeerId, signal: AbortSignal): Promise<number | undefined> {
    try {
      return await this.#init.mesh.bandwidth(peer, { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isCoded(error)) return undefined;
      throw error;
    }
  }

  /** To a peer, where it was measured of late; measures nothing. */
  readonly bandwidthTo = (peer: PeerId): number | undefined => {
    const known = this.#remembered.get(peer);
    const isYoung = known !== undefined && this.#init.clock.monotonicMs() - known.atMs <= LINK_MAX_AGE_MS;
    return isYoung && !('failure' in known.link) ? known.link.bytesPerSecond : undefined;
  };

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Throws the failure of not long ago. */
  #recall(peer: PeerId): MeasuredLink | undefined {
    const known = this.#remembered.get(peer);
    if (known === undefined) return undefined;
    const ageMs = this.#init.clock.monotonicMs() - known.atMs;
    if (!('failure' in known.link)) return ageMs > LINK_MAX_AGE_MS ? undefined : { ...known.link, ageMs };
    if (ageMs > FAILURE_AGE_MS) return undefined;
    throw known.link.failure;
  }

  #remember(peer: PeerId, link: Remembered['link']): void {
    this.#remembered.delete(peer);
    this.#remembered.set(peer, { link, atMs: this.#init.clock.monotonicMs() });
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }
}
