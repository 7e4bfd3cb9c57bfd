import { peerOf, toCoded, type Logger, type Service, type Unsubscribe } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';

/** How often members that are not connected are dialled. */
const RETRY_MS = 30_000;

export interface MemberKeeperInit {
  readonly mesh: Pick<Mesh, 'dial' | 'peers' | 'events'>;
  /** Multiaddrs that end in a peer id. */
  readonly members: readonly string[];
  readonly logger: Logger;
}

/** Keeps this node connected to the members of the mesh that its owner named: they are how it meets the others. */
export class MemberKeeper implements Service {
  readonly name = 'members';
  readonly #init: MemberKeeperInit;
  readonly #over = new AbortController();
  readonly #dialling = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #off: Unsubscribe | undefined;

  constructor(init: MemberKeeperInit) {
    this.#init = init;
  }

  /** Nobody waits for the dials: a node works alone too. */
  start(): Promise<void> {
    this.#timer = setInterval(() => this.#dialMissing(), RETRY_MS).unref();
    this.#off = this.#init.mesh.events.on('peer:disconnect', () => this.#dialMissing());
    this.#dialMissing();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#over.abort();
    clearInterval(this.#timer);
    this.#off?.();
    return Promise.resolve();
  }

  #dialMissing(): void {
    const connected = new Set<string | undefined>(this.#init.mesh.peers().map(({ peer }) => peer));
    for (const address of this.#init.members) {
      if (connected.has(peerOf(address)) || this.#dialling.has(address)) continue;
      this.#dialling.add(address);
      void this.#dial(address).finally(() => this.#dialling.delete(address));
    }
  }

  async #dial(address: string): Promise<void> {
    try {
      await this.#init.mesh.dial(address, { signal: this.#over.signal });
    } catch (error) {
      if (this.#over.signal.aborted) return;
      const { code, message } = toCoded(error);
      this.#init.logger.warn({ code, message }, 'a member of the mesh is not reached');
    }
  }
}
