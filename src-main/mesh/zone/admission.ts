import { RateLimiter, type Clock } from '../../base/index.ts';
import { reachOfHost } from '../node/reach.ts';
import { MACHINE_SESSIONS_PER_SECOND, MAX_COUNTED_ADDRESSES, MAX_PENDING_PER_ADDRESS } from './constants.ts';
import { zoneErrors } from './errors.ts';
import { countedAs } from './host-of.ts';

/** A session that was let in as far as the handshake. */
export interface Admitted {
  /** The handshake is over, either way. */
  settle(): void;
  /** It was a member of a private zone: it does not count against its address. */
  excuse(): void;
}

/** How many new sessions an address may begin, and have under way. This machine's own processes have a limit of their own. */
export class Admission {
  readonly #strangers: RateLimiter;
  readonly #machine: RateLimiter;
  readonly #perSecond: number;
  readonly #pending = new Map<string, number>();

  constructor(perSecond: number, clock: Clock) {
    const most = Math.max(perSecond, MACHINE_SESSIONS_PER_SECOND);
    this.#perSecond = perSecond;
    this.#strangers = new RateLimiter({ perSecond, burst: perSecond, maxKeys: MAX_COUNTED_ADDRESSES }, clock);
    this.#machine = new RateLimiter({ perSecond: most, burst: most, maxKeys: 1 }, clock);
  }

  /** Throws ZONE_TOO_MANY_SESSIONS, ZONE_TOO_MANY_PENDING. */
  enter(host: string): Admitted {
    const isMachine = reachOfHost(host) === 'machine';
    const address = isMachine ? 'this machine' : countedAs(host);
    const limit = isMachine ? Number.POSITIVE_INFINITY : Math.max(MAX_PENDING_PER_ADDRESS, this.#perSecond);
    const pending = this.#pending.get(address) ?? 0;
    if (pending >= limit) throw zoneErrors.tooManyPending({ address, limit });
    const rate = isMachine ? this.#machine : this.#strangers;
    if (!rate.take(address)) throw zoneErrors.tooManySessions({ address, perSecond: this.#perSecond });
    this.#pending.set(address, pending + 1);
    let isSettled = false;
    const settle = (): void => {
      if (!isSettled) this.#leave(address);
      isSettled = true;
    };
    return { settle, excuse: () => rate.giveBack(address) };
  }

  #leave(address: string): void {
    const left = (this.#pending.get(address) ?? 1) - 1;
    if (left > 0) this.#pending.set(address, left);
    else this.#pending.delete(address);
  }
}
