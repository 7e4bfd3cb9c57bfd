import { asShardCid, endsIn, type LayerRange, type Logger, type PeerId, type SpawnChild } from '../base/index.ts';
import { cheapestCover, type FetchAbility, type FetchRequest, type LayerFetcher, type LayerSource } from '../pipeline/index.ts';
import { cidOfManifest, decodeManifest, DISK_MARGIN_BYTES, exchangeErrors, type Lease, type LocalStore, type Manifest, type ManifestShard } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { heldShard, transferShard } from './held-shard.ts';
import { openStore } from './local-store.ts';
import { isNear } from './near.ts';
import type { AppPaths } from './paths.ts';
import { ASSUMED_BYTES_PER_SECOND } from './place-peers.ts';
import { transferOptions } from './share-store.ts';
import { Transfer } from './transfer.ts';
import type { HeldShard } from './types.ts';

/** A fetch of less says more about its start than about the line. */
const MEASURED_BYTES = 4 * 1024 * 1024;
/** How much of a newer measurement counts. */
const GAIN = 0.5;
const MAX_WAITING = 8;

export interface StoreFetcherInit {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  readonly spawn?: SpawnChild | undefined;
  readonly logger: Logger;
  /** What this node holds without any fetch. */
  readonly given: readonly HeldShard[];
  readonly self: PeerId;
  /** What of the store may be loaded besides, by CID; it stays on the disk while it is. */
  readonly shelf?: (() => ReadonlyMap<string, HeldShard>) | undefined;
  /** Numeric address of a connected peer. */
  readonly hostOf: (peer: PeerId) => string | undefined;
}

/**
 * Brings layers into this node's store so that it can run them: shards of a manifest only, checked block by block, within the store's quota
 * and what the disk has room for, one fetch at a time, and only for whom `fetchLayersFor` names.
 */
export class StoreFetcher implements LayerFetcher {
  readonly #init: StoreFetcherInit;
  /** What this node fetched, by CID; some of it may have been evicted since. */
  readonly #fetched = new Map<string, HeldShard>();
  /** By range: fetched shards stay on the disk while they are loaded, or about to be. */
  readonly #leases = new Map<string, readonly Lease[]>();
  /** How many engines have a range, or are about to. */
  readonly #uses = new Map<string, number>();
  readonly #over = new AbortController();
  #opened: LocalStore | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #bytesPerSecond: number | undefined;

  constructor(init: StoreFetcherInit) {
    this.#init = init;
  }

  /** Shards that were fetched and are still here, as they lie now. */
  held(): HeldShard[] {
    return [...this.#loadable].flatMap(([cid, shard]) => {
      const path = this.#pathOf(cid);
      return path === undefined ? [] : [{ ...shard, path }];
    });
  }

  get #loadable(): ReadonlyMap<string, HeldShard> {
    const { shelf } = this.#init;
    return shelf === undefined ? this.#fetched : new Map([...shelf(), ...this.#fetched]);
  }

  async ability(asker: PeerId): Promise<FetchAbility | undefined> {
    if (!this.#isFor(asker)) return undefined;
    const { usedBytes, reservedBytes, quotaBytes, freeBytes, evictableBytes } = await this.#store.stats();
    const room = Math.min(quotaBytes === null ? Infinity : quotaBytes - usedBytes, freeBytes - reservedBytes - DISK_MARGIN_BYTES) + evictableBytes;
    return { freeBytes: Math.max(0, Math.floor(room)), bytesPerSecond: Math.max(1, Math.round(this.#bytesPerSecond ?? ASSUMED_BYTES_PER_SECOND)), isMeasured: this.#bytesPerSecond !== undefined };
  }

  /** Throws HOST_FETCHES_BUSY, HOST_OTHER_MODEL, HOST_NOT_IN_CUT, SPACE_QUOTA, SPACE_DISK_FULL, EXCHANGE_*, MESH_*, CATALOG_*. */
  async fetch(request: FetchRequest): Promise<void> {
    // Whoever may not ask is told what everybody is told who asks for layers that are not here.
    if (!this.#isFor(request.asker)) return;
    if (this.#waiting >= MAX_WAITING) throw hostErrors.fetchesBusy({ limit: MAX_WAITING });
    const signal = AbortSignal.any([request.signal, this.#over.signal]);
    this.#waiting++;
    // One after the other: two that need the same shard would be in each other's way.
    const done = this.#turn.then(() => { if (signal.aborted) throw exchangeErrors.cancelled({}); }).then(() => this.#fetch({ ...request, signal }));
    this.#turn = done.catch(() => undefined).finally(() => { this.#waiting--; });
    await done;
  }

  /** Keeps what was fetched of a range on the disk until `unloaded`. */
  loading(modelHash: string, layers: LayerRange): void {
    const key = keyOf(modelHash, layers);
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    if (this.#leases.has(key)) return;
    const cids = [...this.#loadable].filter(([, shard]) => shard.modelHash === modelHash && isWithin(shard.layers, layers)).map(([cid]) => cid);
    if (cids.length > 0) this.#hold(key, cids);
  }

  unloaded(modelHash: string, layers: LayerRange): void {
    const key = keyOf(modelHash, layers);
    const uses = (this.#uses.get(key) ?? 1) - 1;
    if (uses > 0) return void this.#uses.set(key, uses);
    this.#uses.delete(key);
    this.#release(key);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#turn;
    for (const key of [...this.#leases.keys()]) this.#release(key);
    this.#opened?.close();
  }

  get #store(): LocalStore {
    return (this.#opened ??= openStore(this.#init.config));
  }

  #isFor(asker: PeerId): boolean {
    const { config: { fetchLayersFor }, self, hostOf } = this.#init;
    if (fetchLayersFor !== 'local' || asker === self) return fetchLayersFor !== 'nobody';
    const host = hostOf(asker);
    return host !== undefined && isNear(host);
  }

  async #fetch(request: FetchRequest): Promise<void> {
    // Of a range that was fetched and then not loaded.
    for (const key of [...this.#leases.keys()]) if (!this.#uses.has(key)) this.#release(key);
    const job = new FetchJob(this.#init, this.#store, request);
    // A source that says nothing is not waited for: what was fetched is noted, and others have their turn.
    const callOff = (): void => void job.end();
    request.signal.addEventListener('abort', callOff, { once: true });
    try {
      const manifest = await job.manifest();
      const shards = shardsFor(manifest, [...this.#init.given, ...this.held()], request);
      this.#hold(keyOf(request.modelHash, request.layers), shards.map(({ cid }) => cid));
      await this.#bring(job, shards, request);
      for (const shard of shards) this.#fetched.set(shard.cid, heldShard(manifest, shard, { path: this.#pathOf(shard.cid) ?? '', manifestCid: request.manifestCid }));
    } catch (error) {
      this.#release(keyOf(request.modelHash, request.layers));
      throw error;
    } finally {
      request.signal.removeEventListener('abort', callOff);
      await job.end();
    }
  }

  async #bring(job: FetchJob, shards: readonly ManifestShard[], { onProgress }: FetchRequest): Promise<void> {
    const missing = shards.filter(({ cid }) => this.#pathOf(cid) === undefined);
    if (missing.length === 0) return;
    onProgress(0, missing.reduce((sum, { size_bytes }) => sum + size_bytes, 0));
    const { bytes, ms } = await job.shards(missing);
    if (bytes < MEASURED_BYTES || ms <= 0) return;
    const seen = 1000 * bytes / ms;
    this.#bytesPerSecond = this.#bytesPerSecond === undefined ? seen : this.#bytesPerSecond + GAIN * (seen - this.#bytesPerSecond);
  }

  #pathOf(cid: string): string | undefined {
    return this.#store.catalog.shards.files(cid).find(({ present }) => present === undefined)?.path;
  }

  #hold(key: string, cids: readonly string[]): void {
    const before = this.#leases.get(key) ?? [];
    this.#leases.set(key, [...before, ...cids.map((cid) => this.#store.hold(cid))]);
  }

  #release(key: string): void {
    for (const lease of this.#leases.get(key) ?? []) lease.release();
    this.#leases.delete(key);
  }
}

/** One fetch, in a process that is started when something is missing. */
class FetchJob {
  readonly #init: StoreFetcherInit;
  readonly #store: LocalStore;
  readonly #request: FetchRequest;
  readonly #peers: readonly string[];
  #transfer: Transfer | undefined;

  constructor(init: StoreFetcherInit, store: LocalStore, request: FetchRequest) {
    this.#init = init;
    this.#store = store;
    this.#request = request;
    this.#peers = request.sources.flatMap(addressesOf);
  }

  /** Throws HOST_OTHER_MODEL, EXCHANGE_*, SHARD_BAD_MANIFEST. */
  async manifest(): Promise<Manifest> {
    const { manifestCid, modelHash, signal } = this.#request;
    const known = this.#store.catalog.models.get(manifestCid)?.manifest;
    const manifest = known ?? decodeManifest(await (await this.#process()).block(asShardCid(manifestCid), this.#peers, signal), manifestCid);
    if (cidOfManifest(manifest) !== manifestCid) throw exchangeErrors.badCid({ cid: manifestCid });
    if (manifest.model_hash !== modelHash) throw hostErrors.otherModel({ manifestCid, modelHash });
    if (known === undefined) this.#store.addModel(manifest);
    return manifest;
  }

  async shards(shards: readonly ManifestShard[]): Promise<{ readonly bytes: number; readonly ms: number }> {
    const { signal, patienceMs, onProgress } = this.#request;
    const transfer = await this.#process();
    const startedMs = performance.now();
    const { bytesFetched } = await transfer.fetch({
      shards: shards.map(transferShard), peers: this.#peers, urls: [], patienceMs, signal,
      onEvent: (event) => {
        if (event.kind === 'progress') onProgress(event.bytesDone, event.bytesTotal);
        if (event.kind === 'dropped') this.#init.logger.warn({ source: event.source, code: event.error.code }, 'layers are not fetched from there any more');
      },
    });
    return { bytes: bytesFetched, ms: performance.now() - startedMs };
  }

  async end(): Promise<void> {
    await this.#transfer?.stop();
  }

  // Passing, with an identity of its own: the node's own process that gives shards may be running.
  async #process(): Promise<Transfer> {
    const { config, paths, spawn } = this.#init;
    return (this.#transfer ??= await Transfer.start({ ...transferOptions(config, paths), listen: [], spawn }));
  }
}

/** Those to have, of what makes the range up with the fewest bytes. Throws HOST_NOT_IN_CUT. */
function shardsFor(manifest: Manifest, held: readonly HeldShard[], { modelHash, manifestCid, layers }: FetchRequest): ManifestShard[] {
  const offered = manifest.shards.map((shard) => ({ shard, layers: { first: shard.layer_range[0], last: shard.layer_range[1] }, sizeBytes: shard.size_bytes }));
  const cover = cheapestCover(held.filter((shard) => shard.modelHash === modelHash), offered, layers);
  if (cover === undefined) throw hostErrors.notInCut({ manifestCid, layers: `${layers.first}-${layers.last}` });
  return cover.fetch.map(({ shard }) => shard);
}

const addressesOf = ({ peer, addresses }: LayerSource): string[] => addresses.filter((address) => endsIn(address, peer));

const keyOf = (modelHash: string, { first, last }: LayerRange): string => `${modelHash}/${first}-${last}`;
const isWithin = (a: LayerRange, b: LayerRange): boolean => a.first >= b.first && a.last <= b.last;
