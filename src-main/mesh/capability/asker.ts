import { setTimeout as delay } from 'node:timers/promises';
import { shuffled, type Clock, type PeerId } from '../../base/index.ts';
import { withDeadline } from '../node/deadline.ts';
import { askCapability } from '../protocols/capability/client.ts';
import { CAPABILITY_LIMITS, CAPABILITY_PROTOCOL, CAPABILITY_TIMEOUT_MS, MAX_ASKED_PEERS, MAX_PAGES, PAGE_MS, PAGES_AT_ONCE } from '../protocols/capability/constants.ts';
import { capabilityProtocolErrors } from '../protocols/capability/errors.ts';
import type { Question, Told } from '../protocols/capability/schema.ts';
import type { Mesh } from '../types.ts';
import { ASK_ALL_EVERY_MS, ASK_MISSING_MS, MAX_ASKED } from './options.ts';

export interface AskerInit {
  readonly mesh: Pick<Mesh, 'open' | 'peers'>;
  readonly clock: Clock;
  /** Takes what was told; the last peer of it, undefined when it is not to be believed. */
  readonly onTold: (told: readonly Told[]) => PeerId | undefined;
  /** Whether the ad or the beat of a peer is still missing. */
  readonly isMissing: (peer: PeerId) => boolean;
  readonly onTrouble: (error: unknown) => void;
}

/** Asks neighbours for what gossip has not brought: everybody they know at first, later the ads and beats that are missing. */
export class Asker {
  readonly #init: AskerInit;
  readonly #missing = new Set<PeerId>();
  readonly #over = new AbortController();
  #askedAllMs = Number.NEGATIVE_INFINITY;
  #asking: NodeJS.Timeout | undefined;

  constructor(init: AskerInit) {
    this.#init = init;
  }

  /** A neighbour is there and speaks the protocol. */
  met(peer: PeerId): void {
    const nowMs = this.#init.clock.monotonicMs();
    const isFirst = nowMs - this.#askedAllMs >= ASK_ALL_EVERY_MS;
    if (isFirst) this.#askedAllMs = nowMs;
    this.#attempt((isFirst ? this.#askAll(peer) : this.#ask(peer, { version: 1, peers: [peer] })).catch((error: unknown) => {
      // The next one that is met is asked instead.
      if (isFirst) this.#askedAllMs = Number.NEGATIVE_INFINITY;
      throw error;
    }));
  }

  missing(peer: PeerId): void {
    this.#missing.add(peer);
    if (this.#asking !== undefined || this.#over.signal.aborted) return;
    this.#asking = setTimeout(() => {
      this.#asking = undefined;
      this.#attempt(this.#askMissing());
    }, ASK_MISSING_MS).unref();
  }

  stop(): void {
    this.#over.abort();
    clearTimeout(this.#asking);
  }

  async #askAll(peer: PeerId): Promise<void> {
    let after: string | undefined = '';
    for (let page = 0; page < MAX_PAGES && after !== undefined; page++) {
      if (page >= PAGES_AT_ONCE) await delay(PAGE_MS, undefined, { signal: this.#over.signal, ref: false });
      const last: string | undefined = await this.#ask(peer, { version: 1, after });
      // One that goes back would never end.
      after = last !== undefined && last > after ? last : undefined;
    }
  }

  async #askMissing(): Promise<void> {
    const batch = [...this.#missing].slice(0, MAX_ASKED_PEERS);
    for (const peer of batch) this.#missing.delete(peer);
    const neighbours = this.#init.mesh.peers().filter(({ protocols }) => protocols.includes(CAPABILITY_PROTOCOL)).map(({ peer }) => peer);
    for (const neighbour of shuffled(neighbours).slice(0, MAX_ASKED)) {
      const still = batch.filter(this.#init.isMissing);
      if (still.length === 0) break;
      await this.#ask(neighbour, { version: 1, peers: still }).catch(this.#init.onTrouble);
    }
    for (const peer of this.#missing) return this.missing(peer);
  }

  async #ask(peer: PeerId, question: Question): Promise<PeerId | undefined> {
    const deadline = { timeoutMs: CAPABILITY_TIMEOUT_MS, error: () => capabilityProtocolErrors.timedOut(peer), signal: this.#over.signal };
    const told = await withDeadline(deadline, async (signal) =>
      askCapability(await this.#init.mesh.open(peer, CAPABILITY_PROTOCOL, { limits: CAPABILITY_LIMITS, signal }), question, signal));
    return this.#init.onTold(told);
  }

  #attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => { if (!this.#over.signal.aborted) this.#init.onTrouble(error); });
  }
}
