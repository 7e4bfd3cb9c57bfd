import { Key, type Pair, type Query } from 'interface-datastore';
import type { Clock } from '../../base/index.ts';
import { PEERS, PeerMemory, type PeerMemoryInit } from './peer-memory.ts';

export interface RecordStoreOptions extends PeerMemoryInit {
  /** Provider records have keys `<prefix>/<multihash>/<peer id>`. */
  readonly prefix: string;
  readonly ttlMs: number;
  /** Of all peers together, and of each. */
  readonly maxRecords: number;
  readonly maxRecordsPerPeer: number;
  /** Ours neither expire nor count: kad-dht publishes them again itself. */
  readonly self: string;
  /** Of a peer id, the name under which libp2p remembers the peer. */
  readonly peerName: (peer: string) => string;
  readonly clock: Clock;
  /** Told of a record that was not kept. */
  readonly onFull: () => void;
}

type Within = Parameters<PeerMemory['put']>[2];

interface StoredRecord {
  readonly bytes: Uint8Array;
  readonly expiresMs: number;
}

/**
 * libp2p's memory with provider records. kad-dht keeps what strangers give it to keep, without bound, and looks for one key
 * among all: here records are counted by peer, expire to the millisecond, and are found by their key.
 */
export class RecordStore extends PeerMemory {
  readonly #options: RecordStoreOptions;
  /** By multihash, then by peer. */
  readonly #records = new Map<string, Map<string, StoredRecord>>();
  readonly #ofPeer = new Map<string, number>();
  #count = 0;

  constructor(options: RecordStoreOptions) {
    super(options);
    this.#options = options;
  }

  /** Records of others that are kept, expired ones among them. */
  get size(): number {
    return this.#count;
  }

  override put(key: Key, bytes: Uint8Array, options?: Within): Key | Promise<Key> {
    const [hash, peer] = this.#parse(key.toString());
    if (hash === undefined || peer === undefined) return super.put(key, bytes, options);
    const isNew = this.#records.get(hash)?.has(peer) !== true;
    if (isNew && !this.#hasRoom(peer)) this.#options.onFull();
    // A copy, as the peers': a view would pin a whole pool.
    else this.#keep({ hash, peer, isNew, bytes: new Uint8Array(bytes) });
    return key;
  }

  override get(key: Key, options?: Within): Uint8Array | Promise<Uint8Array> {
    return this.#find(key)?.bytes ?? super.get(key, options);
  }

  override has(key: Key): boolean | Promise<boolean> {
    return this.#find(key) !== undefined || super.has(key);
  }

  override delete(key: Key, options?: Within): void | Promise<void> {
    const [hash, peer] = this.#parse(key.toString());
    if (hash === undefined || peer === undefined) return super.delete(key, options);
    this.#drop(hash, peer);
  }

  override query(query: Query): Generator<Pair> | AsyncGenerator<Pair> {
    const { prefix } = this.#options;
    if (query.prefix?.startsWith(prefix) !== true) return super.query(query);
    const [hash] = this.#parse(query.prefix);
    return this.#fresh(hash === undefined || hash === '' ? [...this.#records.keys()] : [hash]);
  }

  *#fresh(hashes: readonly string[]): Generator<Pair> {
    const now = this.#options.clock.monotonicMs();
    for (const hash of hashes) {
      for (const [peer, { bytes, expiresMs }] of [...(this.#records.get(hash) ?? [])]) {
        if (expiresMs <= now) this.#drop(hash, peer);
        // kad-dht fails the whole answer over one provider whose addresses were forgotten.
        else if (peer === this.#options.self || super.has(new Key(`${PEERS}${this.#options.peerName(peer)}`, false)) === true) yield { key: new Key(`${this.#options.prefix}/${hash}/${peer}`, false), value: bytes };
      }
    }
  }

  #keep({ hash, peer, isNew, bytes }: { readonly hash: string; readonly peer: string; readonly isNew: boolean; readonly bytes: Uint8Array }): void {
    const { self, clock, ttlMs } = this.#options;
    const peers = this.#records.get(hash) ?? new Map<string, StoredRecord>();
    this.#records.set(hash, peers);
    peers.set(peer, { bytes, expiresMs: peer === self ? Infinity : clock.monotonicMs() + ttlMs });
    if (isNew && peer !== self) this.#add(peer, 1);
  }

  #hasRoom(peer: string): boolean {
    const { self, maxRecords, maxRecordsPerPeer } = this.#options;
    if (peer === self || (this.#ofPeer.get(peer) ?? 0) < maxRecordsPerPeer && this.#count < maxRecords) return true;
    if ((this.#ofPeer.get(peer) ?? 0) >= maxRecordsPerPeer) return false;
    this.#dropExpired();
    return this.#count < maxRecords;
  }

  #dropExpired(): void {
    const now = this.#options.clock.monotonicMs();
    for (const [hash, peers] of [...this.#records]) for (const [peer, { expiresMs }] of [...peers]) if (expiresMs <= now) this.#drop(hash, peer);
  }

  #drop(hash: string, peer: string): void {
    const peers = this.#records.get(hash);
    if (peers?.delete(peer) !== true) return;
    if (peers.size === 0) this.#records.delete(hash);
    if (peer !== this.#options.self) this.#add(peer, -1);
  }

  #add(peer: string, by: 1 | -1): void {
    this.#count += by;
    const left = (this.#ofPeer.get(peer) ?? 0) + by;
    if (left === 0) this.#ofPeer.delete(peer);
    else this.#ofPeer.set(peer, left);
  }

  #find(key: Key): StoredRecord | undefined {
    const [hash = '', peer = ''] = this.#parse(key.toString());
    return this.#records.get(hash)?.get(peer);
  }

  #parse(key: string): readonly string[] {
    const { prefix } = this.#options;
    return key.startsWith(`${prefix}/`) ? key.slice(prefix.length + 1).split('/') : [];
  }
}
