import { BoundedQueue, toCoded, type Logger, type PeerId } from '../base/index.ts';
import { DHT_PROTOCOL, type Mesh } from '../mesh/index.ts';
import { askForProviders, FOUND_TTL_MS, MAX_QUESTION_CIDS, PROVIDERS_LIMITS, PROVIDERS_PROTOCOL, type Catalog } from '../store/index.ts';

/** Members of the mesh that are asked besides those given. */
const MAX_MEMBERS = 8;
/** A query of the DHT that finds nothing new for so long has found all. */
const DHT_TIMEOUT_MS = 15_000;
const INTRODUCED_MS = 3_000;
/** Queries of the DHT at once. */
const DHT_QUERIES = 4;
const MAX_DHT_CIDS = 64;
const MAX_FOUND = 1024;

export interface FoundProvider {
  readonly peer: PeerId;
  /** In the order to try; each ends in its peer id. */
  readonly addresses: readonly string[];
  readonly via: 'catalogue' | 'member' | 'dht';
}

export interface FinderInit {
  /** Started. Asks only: a node that passes will do. */
  readonly mesh: Mesh;
  readonly catalog: Catalog;
  readonly logger: Logger;
  /** What to ask by; all by default. */
  readonly ways?: { readonly members?: boolean; readonly dht?: boolean };
}

export interface FindOptions {
  /** Manifests and shards; whoever has one of them counts. The most telling first. */
  readonly cids: readonly string[];
  /** Addresses of members of the mesh, whatever they have. */
  readonly members: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Who has it: as this home's catalogue knows by announcements, as members of the mesh know, as the DHT tells. Told as they
 * are found; the same peer may come again with other addresses. Ends when all were asked, or with the signal; never throws.
 */
export function findProviders(init: FinderInit, options: FindOptions): AsyncIterable<FoundProvider> {
  const found = new BoundedQueue<FoundProvider>(MAX_FOUND);
  void new Search(init, options, found).run().finally(() => found.end());
  return found;
}

class Search {
  readonly #init: FinderInit;
  readonly #options: FindOptions;
  readonly #found: BoundedQueue<FoundProvider>;

  constructor(init: FinderInit, options: FindOptions, found: BoundedQueue<FoundProvider>) {
    this.#init = init;
    this.#options = options;
    this.#found = found;
  }

  async run(): Promise<void> {
    const { members, cids } = this.#options;
    for (const cid of cids) for (const { peer, addresses } of this.#init.catalog.providers.of(cid)) if (addresses.length > 0) this.#tell({ peer, addresses, via: 'catalogue' });
    // One address after the other of each node; the given ones are each a node.
    const nodes = [...members.map((address) => [address]), ...this.#init.catalog.providers.members(MAX_MEMBERS)];
    const speaks = await Promise.all(nodes.map((addresses) => this.#askMember(addresses)));
    if (speaks.includes(true)) await this.#askDht();
  }

  /** Whether it takes part in the DHT. */
  async #askMember(addresses: readonly string[]): Promise<boolean> {
    const { mesh, ways } = this.#init;
    for (const address of addresses) {
      try {
        const peer = await mesh.dial(address, this.#within());
        const protocols = await this.#introduced(peer);
        if (ways?.members !== false) await this.#ask(peer);
        return protocols.includes(DHT_PROTOCOL);
      } catch (error) {
        this.#note(error, address);
      }
    }
    return false;
  }

  /** What it says to speak, once it has said so. */
  async #introduced(peer: PeerId): Promise<readonly string[]> {
    const { mesh } = this.#init;
    const known = (): readonly string[] => mesh.peers().find((one) => one.peer === peer)?.protocols ?? [];
    if (known().length > 0) return known();
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(INTRODUCED_MS)]);
    await mesh.events.once('peer:identify', { accept: (one) => one.peer === peer, signal }).catch(() => undefined);
    return known();
  }

  async #ask(peer: PeerId): Promise<void> {
    const { mesh, catalog } = this.#init;
    try {
      const stream = await mesh.open(peer, PROVIDERS_PROTOCOL, { limits: PROVIDERS_LIMITS, ...this.#within() });
      for (const told of await askForProviders(stream, { cids: this.#options.cids.slice(0, MAX_QUESTION_CIDS), signal: this.#options.signal })) {
        this.#tell({ peer: told.peer, addresses: told.addresses, via: 'member' });
        for (const cid of told.cids) catalog.providers.seen(cid, told.peer, { ttlMs: Math.min(told.ttlMs, FOUND_TTL_MS), addresses: told.addresses });
      }
    } catch (error) {
      this.#note(error, peer);
    }
  }

  async #askDht(): Promise<void> {
    const { mesh: { records }, ways } = this.#init;
    if (records === undefined || ways?.dht === false) return;
    const left = this.#options.cids.slice(0, MAX_DHT_CIDS);
    const worker = async (): Promise<void> => {
      for (let cid = left.shift(); cid !== undefined && !this.#options.signal.aborted; cid = left.shift()) await this.#query(cid);
    };
    await Promise.all(Array.from({ length: DHT_QUERIES }, worker));
  }

  async #query(cid: string): Promise<void> {
    const { mesh, catalog } = this.#init;
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(DHT_TIMEOUT_MS)]);
    try {
      for await (const { peer, addresses } of mesh.records?.find(cid, signal) ?? []) {
        this.#tell({ peer, addresses, via: 'dht' });
        catalog.providers.seen(cid, peer, { ttlMs: FOUND_TTL_MS, nodeAddresses: addresses });
      }
    } catch (error) {
      this.#note(error, cid);
    }
  }

  // Who lied of late may still be named by the user; it is not sought out.
  #tell(found: FoundProvider): void {
    if (!this.#init.catalog.liars.has(found.peer)) this.#found.push(found);
  }

  #note(error: unknown, about: string): void {
    const { code, message } = toCoded(error);
    this.#init.logger.debug({ code, message, about }, 'asking who has it');
  }

  readonly #within = (): { readonly signal: AbortSignal } => ({ signal: this.#options.signal });
}
