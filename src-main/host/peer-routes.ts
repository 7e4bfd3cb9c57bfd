import { peerOf } from '../base/index.ts';

/** Addresses of a peer that are kept. */
const MAX_ADDRESSES = 16;
/** Peers that are known to one fetch; it uses the best of them. */
const MAX_PEERS = 1024;

/** Gathers addresses by the peer that they name: two ways to one peer are one source. */
export class PeerRoutes {
  readonly #routes = new Map<string, string[]>();
  readonly #begin: (addresses: readonly string[], peer: string) => void;
  readonly #maxPeers: number;

  /** `begin` is called once a peer; what it is given grows when more addresses come. */
  constructor(begin: (addresses: readonly string[], peer: string) => void, maxPeers = MAX_PEERS) {
    this.#begin = begin;
    this.#maxPeers = maxPeers;
  }

  add(addresses: readonly string[]): void {
    const begun = this.#routes.size;
    for (const address of addresses) {
      const peer = peerOf(address) ?? address;
      const known = this.#routes.get(peer);
      if (known !== undefined) {
        if (!known.includes(address) && known.length < MAX_ADDRESSES) known.push(address);
      } else if (this.#routes.size < this.#maxPeers) this.#routes.set(peer, [address]);
    }
    // Peers stay in the order in which they came.
    for (const [peer, route] of [...this.#routes].slice(begun)) this.#begin(route, peer);
  }
}
