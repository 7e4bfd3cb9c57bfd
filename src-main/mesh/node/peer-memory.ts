import { MemoryDatastore } from 'datastore-core/memory';
import { Key } from 'interface-datastore';

type Within = Parameters<MemoryDatastore['put']>[2];

/** Under which libp2p's peer store keeps what it knows of a peer. */
export const PEERS = '/peers/';

export interface PeerMemoryInit {
  /** This node's own id as a CID; what is known of it stays. */
  readonly own: string;
  readonly maxPeers: number;
}

/**
 * Where libp2p remembers peers. By itself it forgets none: an expired one is taken away only when it is asked for again, and
 * nodes that come once, under new ids, never are. Here those not asked for longest go when there are too many.
 */
export class PeerMemory extends MemoryDatastore {
  readonly #own: string;
  readonly #maxPeers: number;
  /** Keys of the peers, those asked for longest ago first. */
  readonly #peers = new Set<string>();

  constructor({ own, maxPeers }: PeerMemoryInit) {
    super();
    this.#own = `${PEERS}${own}`;
    this.#maxPeers = maxPeers;
  }

  override put(key: Key, bytes: Uint8Array, options?: Within): ReturnType<MemoryDatastore['put']> {
    this.#touch(key.toString());
    this.#forgetOldest();
    // A copy of its own: the few hundred bytes to keep lie in Buffer's shared pool, and would pin all 64 KiB of it.
    return super.put(key, new Uint8Array(bytes), options);
  }

  override get(key: Key, options?: Within): ReturnType<MemoryDatastore['get']> {
    const bytes = super.get(key, options);
    this.#touch(key.toString());
    return bytes;
  }

  override delete(key: Key, options?: Within): ReturnType<MemoryDatastore['delete']> {
    this.#peers.delete(key.toString());
    return super.delete(key, options);
  }

  #touch(key: string): void {
    if (!key.startsWith(PEERS) || key === this.#own) return;
    this.#peers.delete(key);
    this.#peers.add(key);
  }

  #forgetOldest(): void {
    if (this.#peers.size <= this.#maxPeers) return;
    const [oldest] = this.#peers;
    if (oldest !== undefined) void this.delete(new Key(oldest));
  }
}
