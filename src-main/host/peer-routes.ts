import { peerOf } from '../base/index.ts';

/** Addresses of a peer that are kept. */
const MAX_ADDRESSES = 16;
/** Peers that are used for one fetch. */
const MAX_PEERS = 64;

/** Gathers addresses by the peer that they name: two ways to one peer are one source. */
export class PeerRoutes {
  readonly #routes = new Map<string, string[]>();
  readonly #begin: (addresses: readonly string[]) => void;

  /** `begin` is called once a peer; what it is given grows when more addresses come. */
  constructor(begin: (addresses: readonly string[]) => void) {
    this.#begin = begin;
  }

  add(addresses: readonly string[]): void {
    const begun = this.#routes.size;
    for (const address of addresses) {
      const peer = peerOf(address) ?? address;
      const known = this.#routes.get(peer);
      if (known !== undefined) {
        if (!known.includes(address) && known.length < MAX_ADDRESSES) known.push(address);
      } else if (this.#routes.size < MAX_PEERS) this.#routes.set(peer, [address]);
    }
    // Peers stay in the order in which they came.
    for (const route of [...this.#routes.values()].slice(begun)) this.#begin(route);
  }
}
