import { isCoded, toCoded, type CodedError, type ShardCid } from '../../../base/index.ts';
import { isLeaf, LEAF_BYTES, leafCount, leafLength, type ShardTree } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';
import type { LeafSink } from '../ports.ts';
import { Schedule, type LeafRef, type ScheduleOptions } from '../schedule/schedule.ts';
import { Throttle } from '../throttle.ts';
import type { Holding } from '../wire/codec.ts';
import type { FetchEvent, FetchOptions, FetchReport, SourceWorth, WantedFile } from './fetch-options.ts';
import { KnownSource, NOTHING } from './known-source.ts';
import type { ReceivedLeaf, RefusedLeaf, Source, SourceSink } from './source.ts';

interface Shard extends WantedFile {
  readonly index: number;
  tree?: ShardTree;
  writer?: LeafSink;
  /** Under way, or over. */
  finishing?: Promise<void>;
  /** Somebody is being asked for the tree, or the file is being opened. */
  isOpening: boolean;
  missing: number;
}

const DEFAULTS = { maxInFlight: 16, queueMs: 250, stallMs: 2000 };
const TICK_MS = 250;
const PATIENCE_MS = 30_000;
const SILENCE_MS = 30_000;
const REFRESH_MS = 1000;

/** One download of any number of shards from any number of sources, which may come and go while it runs. */
export class Fetch implements SourceSink {
  /** Rejects with EXCHANGE_NO_SOURCES, EXCHANGE_WRITE_FAILED, EXCHANGE_CANCELLED; what was fetched is kept. */
  readonly done: Promise<FetchReport>;
  readonly #options: FetchOptions;
  readonly #shards: readonly Shard[];
  readonly #byCid: ReadonlyMap<ShardCid, Shard>;
  readonly #schedule: Schedule;
  readonly #throttle: Throttle;
  readonly #known = new Map<string, KnownSource>();
  /** Sources that were used, by name, with why they are not any more. */
  readonly #gone = new Map<string, { readonly name: string; readonly bytes: number; readonly error?: CodedError }>();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #settled = Promise.withResolvers<FetchReport>();
  readonly #timer: NodeJS.Timeout;
  #bytesDone = 0;
  #bytesFetched = 0;
  #bytesTwice = 0;
  #mayAskMs = Number.NEGATIVE_INFINITY;
  #hopelessSinceMs: number | undefined;
  #isOver = false;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#shards = options.shards.map(({ cid, sizeBytes }, index) => ({ cid, sizeBytes, index, isOpening: false, missing: leafCount(sizeBytes) }));
    this.#byCid = new Map(this.#shards.map((shard) => [shard.cid, shard]));
    this.#schedule = new Schedule(options.shards.map(({ sizeBytes }) => ({ sizeBytes, leafBytes: LEAF_BYTES })), { ...DEFAULTS, seed: Math.floor(Math.random() * 2 ** 32), ...defined(options) });
    this.#throttle = new Throttle(options.downloadBytesPerSecond, options.clock);
    this.done = this.#settled.promise;
    this.done.catch(() => undefined);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    for (const shard of this.#shards) void this.#openKnown(shard);
    if (this.#shards.length === 0) this.#finishIfDone();
  }

  get bytesTotal(): number {
    return this.#shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Sources in use. */
  worths(): readonly SourceWorth[] {
    return [...this.#known.values()].map((known): SourceWorth => {
      const { name } = known.source;
      return { name, bytesPerSecond: this.#schedule.speedOf(name), isStalled: this.#schedule.isStalled(name), isUseful: known.isHeard ? this.#isUseful(known) : undefined };
    });
  }

  /** Begins to use a source; one that lied is not taken again. */
  add(source: Source): void {
    const lie = lieOf(this.#gone.get(source.name)?.error);
    if (this.#isOver || this.#known.has(source.name) || lie !== undefined) return source.close(lie);
    const known = new KnownSource(source);
    this.#known.set(source.name, known);
    this.#schedule.add(source.name, this.#nowMs());
    void this.#refresh(known);
  }

  /** Leaves off using a source, for no fault of it: others are asked instead. */
  release(source: Source): void {
    if (this.#known.get(source.name)?.source !== source) return;
    this.#forget(source);
    source.close(exchangeErrors.cancelled({}));
    this.#pumpAll();
  }

  cancel(error: CodedError = exchangeErrors.cancelled({})): void {
    this.#end(error);
  }

  heard(source: Source, _bytes: number): void {
    this.#schedule.heard(source.name, this.#nowMs());
  }

  leaf(source: Source, received: ReceivedLeaf): void {
    void this.#keep(source, received).catch((error: unknown) => this.#end(toCoded(error))).finally(received.release);
  }

  refused(source: Source, { cid, leaf, refusal }: RefusedLeaf): void {
    const shard = this.#byCid.get(cid);
    // A cancelled leaf was settled when it was cancelled.
    if (shard === undefined || refusal === 'cancelled') return;
    this.#schedule.refused(source.name, { shard: shard.index, leaf }, this.#nowMs());
    if (refusal === 'not yet') this.#known.get(source.name)?.promised(shard.index);
    this.#pumpAll();
  }

  ended(source: Source, error: CodedError): void {
    this.#drop(source, error);
  }

  async #openKnown(shard: Shard): Promise<void> {
    shard.isOpening = true;
    await this.#open(shard, () => this.#options.target.tree(shard.cid, shard.sizeBytes));
  }

  async #open(shard: Shard, getTree: () => Promise<ShardTree | undefined>): Promise<void> {
    try {
      const tree = await getTree();
      if (tree !== undefined && !this.#isOver) await this.#begin(shard, tree);
    } catch (error) {
      // What a source did wrong, or a lost link, it was dropped for; all else is ours.
      if (!isSourceTrouble(error)) this.#end(toCoded(error));
    } finally {
      shard.isOpening = false;
      this.#pumpAll();
    }
  }

  async #begin(shard: Shard, tree: ShardTree): Promise<void> {
    const writer = await this.#options.target.open(tree);
    if (this.#isOver) return writer.close();
    for (let leaf = 0; leaf < leafCount(tree.sizeBytes); leaf++) {
      if (!writer.has(leaf)) continue;
      this.#schedule.present({ shard: shard.index, leaf });
      this.#count(shard, leaf);
    }
    shard.tree = tree;
    shard.writer = writer;
    for (const known of this.#known.values()) this.#apply(known, shard);
    this.#tellProgress();
    await this.#finishShard(shard);
  }

  async #refresh(known: KnownSource): Promise<void> {
    if (known.isAsking) return;
    known.isAsking = true;
    known.askedMs = this.#nowMs();
    try {
      const open = this.#shards.filter((shard) => shard.missing > 0);
      const answers = await known.source.holdings(open.map(({ cid }) => cid));
      const fresh = new Map(open.map((shard, index) => [shard.index, usable(shard, answers[index])]));
      known.told(fresh);
      for (const shard of open) this.#apply(known, shard);
    } catch (error) {
      // Asked too often: again at the next turn. All else has ended the source.
      if (!isCoded(error, 'EXCHANGE_REFUSED') && this.#known.has(known.source.name)) this.#drop(known.source, toCoded(error));
    } finally {
      known.isAsking = false;
      this.#pumpAll();
    }
  }

  // Leaves can be asked for once the file is open; until then the schedule does not know who has them.
  #apply(known: KnownSource, shard: Shard): void {
    if (shard.writer !== undefined) this.#schedule.holdings(known.source.name, shard.index, known.holding(shard.index).held);
  }

  #pumpAll(): void {
    if (this.#isOver) return;
    for (const known of this.#known.values()) {
      this.#openFrom(known);
      this.#pump(known.source);
    }
  }

  #openFrom(known: KnownSource): void {
    for (const shard of this.#shards) {
      if (shard.writer !== undefined || shard.isOpening || known.treeless.has(shard.index) || known.holding(shard.index).held === 'none') continue;
      shard.isOpening = true;
      void this.#open(shard, () => this.#treeFrom(known, shard));
      // One tree at a time from a source: the next when this one is here.
      return;
    }
  }

  async #treeFrom(known: KnownSource, shard: Shard): Promise<ShardTree | undefined> {
    const tree = await known.source.tree(shard.cid, shard.sizeBytes).catch((error: unknown) => {
      if (!isCoded(error, 'EXCHANGE_REFUSED')) throw error;
    });
    // Not asked for it again before the next look at what it has.
    if (tree === undefined) known.treeless.add(shard.index);
    return tree ?? undefined;
  }

  #pump(source: Source): void {
    const nowMs = this.#nowMs();
    let run: { shard: Shard; first: number; count: number } | undefined;
    const ask = (): void => {
      if (run?.shard.tree !== undefined) source.ask({ tree: run.shard.tree, first: run.first, count: run.count });
      run = undefined;
    };
    for (let room = source.windowLeaves - source.askedLeaves; room > 0 && nowMs >= this.#mayAskMs; room--) {
      const ref = this.#schedule.next(source.name, nowMs);
      const shard = ref === undefined ? undefined : this.#shards[ref.shard];
      if (ref === undefined || shard === undefined) break;
      if (run?.shard === shard && run.first + run.count === ref.leaf) run.count++;
      else {
        ask();
        run = { shard, first: ref.leaf, count: 1 };
      }
      this.#pace(leafLength(shard.sizeBytes, ref.leaf));
    }
    ask();
  }

  #pace(bytes: number): void {
    const waitMs = this.#throttle.reserveMs(bytes);
    if (waitMs === 0) return;
    this.#mayAskMs = this.#nowMs() + waitMs;
    setTimeout(() => this.#pumpAll(), Math.ceil(waitMs));
  }

  async #keep(source: Source, { cid, leaf, bytes }: ReceivedLeaf): Promise<void> {
    const shard = this.#byCid.get(cid);
    if (this.#isOver || shard?.tree === undefined || shard.writer === undefined) return;
    if (!isLeaf(shard.tree, leaf, bytes)) return this.#drop(source, exchangeErrors.badLeaf({ peer: source.name, cid, leaf }));
    const key = `${shard.index}/${leaf}`;
    if (shard.writer.has(leaf) || this.#writing.has(key)) {
      this.#bytesTwice += bytes.length;
      return;
    }
    const writing = shard.writer.write(leaf, bytes).finally(() => this.#writing.delete(key));
    this.#writing.set(key, writing);
    await writing;
    this.#bytesFetched += bytes.length;
    this.#known.get(source.name)?.gave(shard.index, bytes.length);
    this.#count(shard, leaf);
    this.#settle(source, { shard: shard.index, leaf });
    this.#tellProgress();
    await this.#finishShard(shard);
  }

  #settle(source: Source, ref: LeafRef): void {
    const { cancel } = this.#schedule.received(source.name, ref, this.#nowMs());
    const { cid } = this.#shards[ref.shard] ?? {};
    for (const name of cancel) if (cid !== undefined) this.#known.get(name)?.source.cancel(cid, ref.leaf);
    if (cancel.length > 0 || this.#schedule.isEndgame) this.#pumpAll();
    else this.#pump(source);
  }

  #count(shard: Shard, leaf: number): void {
    shard.missing--;
    this.#bytesDone += leafLength(shard.sizeBytes, leaf);
  }

  async #finishShard(shard: Shard): Promise<void> {
    if (shard.missing > 0 || this.#isOver) return;
    shard.finishing = shard.writer?.finish() ?? Promise.resolve();
    await shard.finishing;
    shard.missing = -1;
    this.#tell({ kind: 'shard', cid: shard.cid });
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (this.#isOver || this.#shards.some(({ missing }) => missing >= 0)) return;
    this.#end();
  }

  #drop(source: Source, error: CodedError): void {
    if (this.#known.get(source.name)?.source !== source) return;
    this.#forget(source, error);
    source.close(error);
    this.#tell({ kind: 'dropped', source: source.name, error });
    this.#pumpAll();
  }

  #forget({ name }: Source, error?: CodedError): void {
    // Again a later time when it comes back.
    const bytes = (this.#gone.get(name)?.bytes ?? 0) + (this.#known.get(name)?.bytes ?? 0);
    this.#known.delete(name);
    this.#gone.delete(name);
    this.#gone.set(name, { name, bytes, ...(error === undefined ? {} : { error }) });
    this.#schedule.drop(name);
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    const { silenceMs = SILENCE_MS, refreshMs = REFRESH_MS } = this.#options;
    for (const source of this.#schedule.stalled(nowMs)) this.#tell({ kind: 'stalled', source });
    for (const known of this.#known.values()) {
      const waitedMs = this.#schedule.silentMs(known.source.name, nowMs);
      if (waitedMs >= silenceMs) this.#drop(known.source, exchangeErrors.noAnswer({ peer: known.source.name, what: 'blocks', waitedMs }));
      else if (nowMs - known.askedMs >= refreshMs && this.#mayGrow(known)) void this.#refresh(known);
    }
    this.#giveUpIfHopeless(nowMs);
    this.#pumpAll();
  }

  // Before a file is open the schedule does not know who has what of it.
  #isUseful(known: KnownSource): boolean {
    const { name } = known.source;
    return this.#shards.some(({ missing, index, writer }) => missing > 0 && (known.isPromised(index) || (writer === undefined ? known.holding(index).held !== 'none' : this.#schedule.canGive(name, index))));
  }

  #mayGrow(known: KnownSource): boolean {
    return this.#shards.some(({ missing, index }) => missing > 0 && (known.holding(index).held !== 'all' || known.treeless.has(index) || known.isPromised(index)));
  }

  #giveUpIfHopeless(nowMs: number): void {
    // A file that was begun is read before anything is asked for; that is no reason to despair.
    const isOpening = this.#shards.some((shard) => shard.isOpening);
    const isHopeless = !isOpening && this.#schedule.missing > 0 && this.#schedule.orphans === this.#schedule.missing;
    this.#hopelessSinceMs = isHopeless ? this.#hopelessSinceMs ?? nowMs : undefined;
    if (this.#hopelessSinceMs === undefined || nowMs - this.#hopelessSinceMs < (this.#options.patienceMs ?? PATIENCE_MS)) return;
    const open = this.#shards.filter(({ missing }) => missing > 0);
    this.#end(exchangeErrors.noSources({ cids: open.slice(0, 8).map(({ cid }) => cid), missingLeaves: this.#schedule.missing }, [...this.#gone.values()].at(-1)?.error));
  }

  #end(error?: CodedError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#timer);
    const sources = this.#sources();
    for (const { source } of this.#known.values()) source.close();
    void this.#closeFiles().then(() => {
      if (error === undefined) this.#settled.resolve({ bytesTotal: this.bytesTotal, bytesFetched: this.#bytesFetched, bytesTwice: this.#bytesTwice, sources });
      else this.#settled.reject(error);
    });
  }

  /** Once each; one that came back has no error. */
  #sources(): FetchReport['sources'] {
    const before = (name: string): number => this.#gone.get(name)?.bytes ?? 0;
    const gone = [...this.#gone.values()].filter(({ name }) => !this.#known.has(name));
    return [...gone, ...[...this.#known.values()].map(({ source: { name }, bytes }) => ({ name, bytes: before(name) + bytes }))];
  }

  /** Whatever goes wrong here does not change how the fetch ended; what was written counts by itself. */
  async #closeFiles(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
    await Promise.allSettled(this.#shards.map(({ writer, finishing }) => finishing ?? writer?.close() ?? Promise.resolve()));
  }

  #tellProgress(): void {
    this.#tell({ kind: 'progress', bytesDone: this.#bytesDone, bytesTotal: this.bytesTotal });
  }

  #tell(event: FetchEvent): void {
    this.#options.onEvent?.(event);
  }

  readonly #nowMs = (): number => this.#options.clock.monotonicMs();
}

/** A shard of another size is another shard. */
const usable = ({ sizeBytes }: WantedFile, holding: Holding = NOTHING): Holding => (holding.held !== 'none' && holding.sizeBytes === sizeBytes ? holding : NOTHING);

const lieOf = (error: CodedError | undefined): CodedError | undefined => (error?.fault === 'peer' && !error.retryable ? error : undefined);

const isSourceTrouble = (error: unknown): boolean => isCoded(error) && (error.fault === 'peer' || error.code === 'EXCHANGE_LINK_LOST' || error.code === 'EXCHANGE_CANCELLED');

const defined = ({ maxInFlight, queueMs, stallMs, seed }: Partial<ScheduleOptions>): Partial<ScheduleOptions> =>
  Object.fromEntries(Object.entries({ maxInFlight, queueMs, stallMs, seed }).filter(([, value]) => value !== undefined));
