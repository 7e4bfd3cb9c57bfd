import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { toCoded, writeAtomically, type LayerRange, type Logger, type SessionId } from '../../base/index.ts';
import type { ServedSession } from '../../pipeline/index.ts';

const OWNER_ONLY = 0o600;
const SAVE_AFTER_MS = 1_000;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const figures = { since: count, tokens: count, layerTokens: count, sessions: count, servedMs: count };
const fileSchema = z.strictObject({ version: z.literal(1), total: z.strictObject(figures), pausedUntil: count.optional() });

/** What was computed for others. Tokens: of prompts and answers, each once however many layers; layerTokens: once for each layer. */
export interface Figures {
  /** Unix ms. */
  readonly since: number;
  readonly tokens: number;
  readonly layerTokens: number;
  readonly sessions: number;
  /** With at least one session open. */
  readonly servedMs: number;
}

type Sums = { -readonly [K in keyof Figures]: number };

export interface LedgerInit {
  readonly path: string;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * What this node computed for others, out of its stage runner's counters, and how long it pauses. Kept in one small file, whole, a second after a
 * change: a crash costs at most that. A file that cannot be read is begun anew.
 */
export class Ledger {
  readonly #init: LedgerInit;
  readonly #start: Sums;
  #total: Sums;
  #pausedUntil: number | undefined;
  /** Rows of runs under way, by session: part of the figures, and of the sums only when the run is over. */
  readonly #under = new Map<SessionId, { readonly rows: number; readonly layers: number }>();
  #waiting: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();

  private constructor(init: LedgerInit, kept: z.infer<typeof fileSchema> | undefined) {
    this.#init = init;
    this.#start = none(init.now());
    this.#total = kept === undefined ? none(init.now()) : { ...kept.total };
    this.#pausedUntil = kept?.pausedUntil;
  }

  /** Never rejects. */
  static async open(init: LedgerInit): Promise<Ledger> {
    return new Ledger(init, await read(init));
  }

  get pausedUntil(): number | undefined {
    return this.#pausedUntil;
  }

  /** Of all time, and since this node started. */
  get total(): Figures {
    return this.#with(this.#total);
  }

  get sinceStart(): Figures {
    return this.#with(this.#start);
  }

  /** Resolves when it is kept. */
  async pause(until: number | undefined): Promise<void> {
    this.#pausedUntil = until;
    await this.save();
  }

  opened(): void {
    this.#add({ sessions: 1 });
  }

  /** A run is over. */
  computed(session: SessionId, rows: number, layers: LayerRange): void {
    this.#under.delete(session);
    this.#add({ tokens: rows, layerTokens: rows * lengthOf(layers) });
  }

  /** The sessions that are open, after `ms` in which some were. */
  look(sessions: readonly ServedSession[], ms: number): void {
    const before = this.#underRows;
    this.#under.clear();
    for (const { session, runRows, layers } of sessions) if (runRows > 0) this.#under.set(session, { rows: runRows, layers: lengthOf(layers) });
    for (const sums of [this.#total, this.#start]) sums.servedMs += Math.round(ms);
    // An open session alone is not worth a write each second.
    if (this.#underRows !== before) this.#changed();
  }

  /** Writes what is new; a failure is logged, and tried again with the next change. */
  save(): Promise<void> {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    const { path, logger } = this.#init;
    this.#saving = this.#saving.then(async () => {
      const text = JSON.stringify({ version: 1, total: this.total, ...(this.#pausedUntil === undefined ? {} : { pausedUntil: this.#pausedUntil }) } satisfies z.infer<typeof fileSchema>);
      await writeAtomically(path, async (file) => void (await file.writeFile(`${text}\n`)), OWNER_ONLY);
    }).catch((error: unknown) => logger.warn({ code: toCoded(error).code }, 'what was computed for others could not be kept'));
    return this.#saving;
  }

  #add(more: Partial<Figures>): void {
    for (const sums of [this.#total, this.#start]) for (const [key, value] of Object.entries(more)) sums[key as keyof Figures] += value;
    this.#changed();
  }

  #changed(): void {
    this.#waiting ??= setTimeout(() => void this.save(), SAVE_AFTER_MS).unref();
  }

  get #underRows(): number {
    return [...this.#under.values()].reduce((sum, { rows }) => sum + rows, 0);
  }

  #with(sums: Sums): Figures {
    const under = [...this.#under.values()];
    return { ...sums, tokens: sums.tokens + under.reduce((sum, { rows }) => sum + rows, 0), layerTokens: sums.layerTokens + under.reduce((sum, { rows, layers }) => sum + rows * layers, 0) };
  }
}

const none = (since: number): Sums => ({ since, tokens: 0, layerTokens: 0, sessions: 0, servedMs: 0 });
const lengthOf = ({ first, last }: LayerRange): number => last - first + 1;

async function read({ path, logger }: LedgerInit): Promise<z.infer<typeof fileSchema> | undefined> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') logger.warn({ code: toCoded(error).code }, 'what was computed for others could not be read, and is counted anew');
    return undefined;
  }
}
