import type { Clock } from '../../base/index.ts';
import { encodeAnnouncement, pagesOf, type AnnouncedModel, type Announcement } from './announcement.ts';
import type { Holdings } from './holdings.ts';
import { ANNOUNCE_EVERY_MS, ANNOUNCE_TTL_MS, CHECK_MS, GATHER_MS, GROW_MS, RETELL_MS } from './options.ts';

export interface AnnouncerInit {
  readonly holdings: () => Holdings;
  /** Where shards are fetched, and who is asked who has what. */
  readonly addresses: () => Pick<Announcement, 'addresses' | 'nodeAddresses'>;
  /** Resolves with how many peers it went to. */
  readonly publish: (data: Uint8Array) => Promise<number>;
  readonly clock: Clock;
  /** Told what is held now, when that changed. */
  readonly onHoldings?: (holdings: Holdings) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly times?: Partial<AnnouncerTimes>;
}

export interface AnnouncerTimes {
  readonly everyMs: number;
  readonly checkMs: number;
  /** Between two tellings of what only adds to the last one. */
  readonly growMs: number;
  readonly gatherMs: number;
  readonly retellMs: number;
  readonly ttlMs: number;
}

const TIMES: AnnouncerTimes = { everyMs: ANNOUNCE_EVERY_MS, checkMs: CHECK_MS, growMs: GROW_MS, gatherMs: GATHER_MS, retellMs: RETELL_MS, ttlMs: ANNOUNCE_TTL_MS };
const NOTHING: Holdings = { models: [], shards: [], cids: [] };

/** Says what this node has: at the start, what changed when it changes, all of it now and then, and that it leaves. */
export class Announcer {
  readonly #init: AnnouncerInit;
  readonly #times: AnnouncerTimes;
  #told: Holdings = NOTHING;
  #held: Holdings = NOTHING;
  /** When something that was new was told. */
  #grewMs = Number.NEGATIVE_INFINITY;
  #lastAt = 0;
  /** When all was told last, and to how many. */
  #allMs = Number.NEGATIVE_INFINITY;
  #heardBy = 0;
  #checking: NodeJS.Timeout | undefined;
  #retelling: NodeJS.Timeout | undefined;
  /** One message after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(init: AnnouncerInit) {
    this.#init = init;
    this.#times = { ...TIMES, ...init.times };
  }

  start(): void {
    this.#checking = setInterval(() => void this.check(), this.#times.checkMs).unref();
    void this.check();
  }

  /** Somebody is there who has not heard us. */
  newcomer(): void {
    if (this.#retelling !== undefined || this.#checking === undefined) return;
    const isUnheard = this.#heardBy === 0;
    const waitMs = isUnheard ? 0 : Math.max(0, this.#allMs + this.#times.retellMs - this.#nowMs());
    this.#retelling = setTimeout(() => {
      this.#retelling = undefined;
      void this.#inTurn(() => this.#tellAll(this.#look()));
    }, waitMs + this.#times.gatherMs).unref();
  }

  /** Tells all at once: something else changed than what is held. */
  tellAgain(): Promise<void> {
    return this.#inTurn(() => this.#tellAll(this.#look()));
  }

  /** Looks for what changed and tells it. */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.#look();
      const isDue = this.#nowMs() - this.#allMs >= this.#times.everyMs;
      if (isDue) await this.#tellAll(now);
      else await this.#tellChange(now);
    });
  }

  /** Says that nothing is to be had here any more. */
  async stop(): Promise<void> {
    clearInterval(this.#checking);
    clearTimeout(this.#retelling);
    this.#checking = undefined;
    await this.#inTurn(async () => {
      if (this.#told.cids.length > 0) await this.#tell({ models: [], shards: [], gone: [], ttlMs: 0 });
    });
  }

  async #tellAll(now: Holdings): Promise<void> {
    const gone = goneFrom(this.#told, now);
    this.#told = now;
    if (now.cids.length === 0 && gone.length === 0) return;
    this.#heardBy = await this.#tell({ models: now.models, shards: now.shards, gone, ttlMs: this.#times.ttlMs });
    this.#allMs = this.#nowMs();
  }

  async #tellChange(now: Holdings): Promise<void> {
    const before = new Map(this.#told.models.map((model) => [model.manifest, model]));
    const known = new Set(this.#told.shards);
    const models = now.models.filter((model) => !isSame(before.get(model.manifest), model));
    const shards = now.shards.filter((cid) => !known.has(cid));
    const gone = goneFrom(this.#told, now);
    if (models.length + shards.length + gone.length === 0) return;
    const isLess = gone.length > 0 || models.some((model) => hasLost(before.get(model.manifest), model));
    if (!isLess && this.#nowMs() - this.#grewMs < this.#times.growMs) return;
    if (models.length + shards.length > 0) this.#grewMs = this.#nowMs();
    this.#told = now;
    await this.#tell({ models, shards, gone, ttlMs: this.#times.ttlMs });
  }

  /** What is held now. Whoever asks is told of it before everybody is. */
  #look(): Holdings {
    const now = this.#init.holdings();
    const isOld = now.cids.length === this.#held.cids.length && now.cids.every((cid, index) => cid === this.#held.cids[index]);
    this.#held = now;
    if (!isOld) this.#init.onHoldings?.(now);
    return now;
  }

  async #tell(what: Pick<Announcement, 'models' | 'shards' | 'gone' | 'ttlMs'>): Promise<number> {
    // Later than all before, whatever the clock does.
    this.#lastAt = Math.max(this.#init.clock.now(), this.#lastAt + 1);
    let heardBy = 0;
    for (const page of pagesOf({ ...this.#init.addresses(), ...what, at: this.#lastAt })) heardBy = await this.#init.publish(encodeAnnouncement(page));
    return heardBy;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => this.#init.onTrouble(error));
    return this.#turn;
  }

  readonly #nowMs = (): number => this.#init.clock.monotonicMs();
}

/** Manifests and single shards; a piece of a model that is still announced goes with its bit. */
function goneFrom(before: Holdings, now: Holdings): string[] {
  const still = new Set([...now.models.map(({ manifest }) => manifest), ...now.shards]);
  return [...before.models.map(({ manifest }) => manifest), ...before.shards].filter((cid) => !still.has(cid));
}

const isSame = (before: AnnouncedModel | undefined, { pieces }: AnnouncedModel): boolean => before !== undefined && Buffer.compare(before.pieces, pieces) === 0;

/** A piece that was there is not any more. */
const hasLost = (before: AnnouncedModel | undefined, { pieces }: AnnouncedModel): boolean => before?.pieces.some((bits, index) => (bits & ~(pieces[index] ?? 0)) !== 0) === true;
