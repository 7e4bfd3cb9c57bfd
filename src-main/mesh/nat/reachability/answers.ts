import type { PeerId } from '../../../base/index.ts';
import { ANSWER_FRESH_MS, ANSWER_TTL_MS, MAX_ASKED_PEERS, MAX_CANDIDATES } from '../options.ts';
import type { Reachability } from '../../types.ts';

interface Answer {
  readonly isReached: boolean;
  readonly atMs: number;
}

/** What peers found when they dialled addresses of ours, as long as it counts. */
export class DialAnswers {
  readonly #byAddress = new Map<string, Map<PeerId, Answer>>();

  /** Takes what a peer found; the oldest address goes when there are too many. */
  add(address: string, peer: PeerId, answer: Answer): void {
    const answers = this.#byAddress.get(address) ?? new Map<PeerId, Answer>();
    this.#byAddress.set(address, answers.set(peer, answer));
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > MAX_CANDIDATES && oldest !== undefined) this.#byAddress.delete(oldest);
  }

  forget(address: string): void {
    this.#byAddress.delete(address);
  }

  /** Forgets what is too old, and addresses that are ours no more. */
  keep(addresses: readonly string[], nowMs: number): void {
    for (const [address, answers] of this.#byAddress) {
      for (const [peer, { atMs }] of answers) if (nowMs - atMs > ANSWER_TTL_MS) answers.delete(peer);
      if (answers.size === 0 || !addresses.includes(address)) this.#byAddress.delete(address);
    }
  }

  /** Whether one more peer's word on an address is of use: one that reached it of late is enough. */
  isOpen(address: string, peer: PeerId, nowMs: number): boolean {
    const fresh = [...(this.#byAddress.get(address) ?? [])].filter(([, { atMs }]) => nowMs - atMs < ANSWER_FRESH_MS);
    return fresh.length < MAX_ASKED_PEERS && fresh.every(([who, { isReached }]) => who !== peer && !isReached);
  }

  /** Whether nobody, of those who tried, came through. */
  isClosed(address: string): boolean {
    return [...(this.#byAddress.get(address)?.values() ?? [])].every(({ isReached }) => !isReached);
  }

  /** One peer that reached us settles it: it showed so over a connection of its own. That nobody did counts while all say so. */
  verdict(candidates: readonly string[]): Reachability {
    const answers = [...this.#byAddress].flatMap(([address, byPeer]) => [...byPeer].map(([peer, { isReached }]) => ({ address, peer, isReached })));
    const found = answers.find(({ isReached }) => isReached) ?? answers[0];
    if (found?.isReached === true) return { kind: 'public', reason: `peer ${found.peer} reached ${found.address}` };
    if (found !== undefined) return { kind: 'private', reason: `peer ${found.peer} could not reach ${found.address}: a router or firewall lets nobody in` };
    return { kind: 'unknown', reason: candidates.length === 0 ? 'no address of this node is one of the internet' : 'no peer has tried yet' };
  }
}
