import { asPeerId, isCoded, systemClock, toCoded, type Logger, type Metrics, type Service, type ShardCid } from '../base/index.ts';
import { createMesh, type IdentityOption, type Mesh, type ZoneOptions } from '../mesh/index.ts';
import { Bitswap, BITSWAP_LIMITS, BITSWAP_PROTOCOL, BLOCK_LIMITS, BLOCK_PROTOCOL, BlockServer, BufferPool, exchangeErrors, Fetch, fetchBlock, LEAF_BYTES, ReaderCache, WebSource, type FetchEvent, type FetchReport, type LocalStore, type Source, type SourceSink } from '../store/index.ts';
import { firstOf } from './first-of.ts';
import { mendedText, openStore } from './local-store.ts';
import { manifestShelf } from './manifest-shelf.ts';
import { openPeerSource } from './open-peer-source.ts';
import { PeerRoutes } from './peer-routes.ts';
import { SourceSet } from './source-set.ts';

const AGENT = 'omninode';
/** Leaf buffers kept for the next leaf. */
const POOLED_LEAVES = 64;
/** Of a peer that is asked for a block, before the next one is asked too. */
const HEAD_START_MS = 500;
/** Peers that are asked for a block. */
const MAX_ASKED = 64;

export interface TransferNodeOptions {
  readonly identity: IdentityOption;
  readonly listen: readonly string[];
  readonly home: string;
  readonly zone?: ZoneOptions | undefined;
  readonly storeQuotaBytes?: number | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly uploadBytesPerSecond?: number | undefined;
  readonly uploadBytesPerSecondPerPeer?: number | undefined;
  /** Also to and from IPFS nodes. Default true. */
  readonly bitswap?: boolean | undefined;
}

export interface TransferShard {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  /** Under which web servers have it. */
  readonly fileName: string;
}

export interface TransferJob {
  readonly shards: readonly TransferShard[];
  /** Addresses of peers, of their main or their transfer process. */
  readonly peers: readonly string[];
  /** More of them, as they are found. */
  readonly more?: AsyncIterable<readonly string[]> | undefined;
  /** Folders on web servers that have the files under their names. */
  readonly urls: readonly string[];
  readonly downloadBytesPerSecond?: number | undefined;
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: FetchEvent) => void) | undefined;
}

/** A mesh peer that does nothing but move shards: it gives those on its shelf and fetches others. */
export class TransferNode implements Service {
  readonly name = 'transfer';
  readonly mesh: Mesh;
  readonly store: LocalStore;
  readonly #shelf: ReaderCache;
  readonly #server: BlockServer;
  readonly #bitswap: Bitswap | undefined;
  readonly #logger: Logger;
  readonly #isOver = new AbortController();
  #rescan: Promise<void> = Promise.resolve();
  readonly #pool = new BufferPool(LEAF_BYTES, POOLED_LEAVES);

  private constructor(mesh: Mesh, { home, storeQuotaBytes, logger, uploadBytesPerSecond, uploadBytesPerSecondPerPeer, bitswap = true }: TransferNodeOptions) {
    this.mesh = mesh;
    this.store = openStore({ home, storeQuotaBytes }, {
      onProblem: (problem) => logger.warn(problem, 'a shard on this disk is not what it was'),
      onMended: (report) => logger.warn(report, mendedText(report)),
    });
    this.#logger = logger;
    this.#shelf = new ReaderCache(manifestShelf(this.store));
    const onTrouble = (error: Error): void => logger.warn({ message: error.message }, 'a shard cannot be given to others');
    this.#server = new BlockServer({ shelf: this.#shelf, clock: systemClock, agent: AGENT, uploadBytesPerSecond, uploadBytesPerSecondPerPeer, onTrouble });
    this.#bitswap = bitswap ? this.#createBitswap(onTrouble) : undefined;
  }

  static async create(options: TransferNodeOptions): Promise<TransferNode> {
    const { identity, listen, zone, logger, metrics, bitswap = true } = options;
    return new TransferNode(await createMesh({ listen, identity, mdns: false, nativeTls: true, ipfsIdentify: bitswap, agent: AGENT, ...zone }, { logger, metrics, clock: systemClock }), options);
  }

  async start(): Promise<void> {
    await this.mesh.start();
    await this.mesh.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => this.#server.accept(stream));
    if (this.store.isRescanDue) this.#rescan = this.#lookForFiles();
    const bitswap = this.#bitswap;
    if (bitswap === undefined) return;
    await this.mesh.handle(BITSWAP_PROTOCOL, BITSWAP_LIMITS, (stream) => bitswap.accept(stream));
    this.mesh.events.on('peer:disconnect', ({ peer }) => bitswap.lost(peer));
  }

  // Meanwhile what is known is given to others.
  async #lookForFiles(): Promise<void> {
    try {
      this.#logger.warn({ listed: await this.store.rescan({ signal: this.#isOver.signal }) }, 'files of the store are listed again');
    } catch (error) {
      if (!this.#isOver.signal.aborted) this.#logger.warn({ message: toCoded(error).message }, 'the files of the store cannot be looked through');
    }
  }

  async stop(): Promise<void> {
    this.#isOver.abort();
    this.#server.stop();
    this.#bitswap?.stop();
    await this.mesh.stop();
    await this.#rescan;
    await this.#shelf.close();
    this.store.close();
  }

  /** Fetches shards into the store and gives them to others from then on; room for all is kept before anything is asked for. Throws as `Fetch.done`, SPACE_*. */
  async fetch(job: TransferJob): Promise<FetchReport> {
    const room = await this.store.reserveShards(job.shards);
    return this.#fetch(job).finally(() => room.release());
  }

  #fetch({ shards, peers, urls, more, signal, onEvent, downloadBytesPerSecond, patienceMs }: TransferJob): Promise<FetchReport> {
    const over = new AbortController();
    const tell = (event: FetchEvent): void => {
      this.#remember(event);
      onEvent?.(event);
    };
    const fetch = new Fetch({ shards, target: this.store, clock: systemClock, onEvent: tell, downloadBytesPerSecond, ...(patienceMs === undefined ? {} : { patienceMs }) });
    const cancel = (): void => fetch.cancel(isCoded(signal?.reason) ? signal.reason : exchangeErrors.cancelled({}, signal?.reason));
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
    const sources = new SourceSet({ fetch, clock: systemClock, pause: (ms) => pause(ms, over.signal), signal: over.signal });
    const routes = new PeerRoutes((addresses, peer) => sources.add(peer, (within) => this.#open(addresses, fetch, within)));
    routes.add(peers);
    for (const url of urls) sources.add(url, () => Promise.resolve(this.#webSource(url, shards, fetch)));
    if (more !== undefined) void followed(more, over.signal, (addresses) => routes.add(addresses));
    return fetch.done.finally(() => {
      over.abort();
      signal?.removeEventListener('abort', cancel);
    });
  }

  /** A manifest or another single block, from the first peer that has it; one that lies is passed by, one that is slow is not waited for. Throws EXCHANGE_NOT_FOUND, or what the last peer ended with. */
  async block(cid: ShardCid, peers: readonly string[], signal?: AbortSignal): Promise<Uint8Array> {
    const routes: (readonly string[])[] = [];
    new PeerRoutes((addresses) => void routes.push(addresses), MAX_ASKED).add(peers);
    const attempts = routes.map((addresses) => (within: AbortSignal) => fetchBlock(cid, (sink) => this.#open(addresses, sink, within)));
    return await firstOf(attempts, { headStartMs: HEAD_START_MS, signal }) ?? Promise.reject(exchangeErrors.notFound({ cid }));
  }

  #remember(event: FetchEvent): void {
    if (event.kind !== 'dropped' || event.error.fault !== 'peer' || event.error.retryable || !isPeer(event.source)) return;
    this.store.catalog.liars.note(asPeerId(event.source));
  }

  #open(addresses: readonly string[], sink: SourceSink, signal: AbortSignal | undefined): Promise<Source> {
    return openPeerSource({ mesh: this.mesh, addresses, sink, pool: this.#pool, agent: AGENT, bitswap: this.#bitswap, signal });
  }

  /** What may be given and how fast is one thing for both protocols. */
  #createBitswap(onTrouble: (error: Error) => void): Bitswap {
    return new Bitswap({
      shelf: this.#shelf, clock: systemClock, onTrouble,
      directory: { list: () => this.store.cids(), tree: (cid) => this.store.treeOf(cid) },
      open: (peer) => this.mesh.open(peer, BITSWAP_PROTOCOL, { limits: BITSWAP_LIMITS }), caps: (peer) => this.#server.caps(peer),
    });
  }

  #webSource(url: string, shards: readonly TransferShard[], sink: SourceSink): WebSource {
    const at = (file: string): string => new URL(file, url.endsWith('/') ? url : `${url}/`).href;
    const names = new Map(shards.map(({ cid, fileName }) => [cid, fileName]));
    return new WebSource({
      name: url, sink, pool: this.#pool, leavesUrlOf: (cid) => at(`${cid}.leaves`),
      urlOf: (cid) => { const name = names.get(cid); return name === undefined ? undefined : at(name); },
    });
  }
}

// Web servers are named by their address.
const isPeer = (source: string): boolean => !source.includes('/');

/** Until there are no more, or nobody wants them. */
async function followed<T>(more: AsyncIterable<T>, over: AbortSignal, use: (one: T) => void): Promise<void> {
  for await (const one of more) {
    if (over.aborted) return;
    use(one);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
