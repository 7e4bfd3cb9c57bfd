import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/index.ts';
import { KNOCK_WINDOW_MS, MAX_REMEMBERED_KNOCKS } from './constants.ts';
import type { OpenedKnock } from './knock.ts';
import { ReplayWindow } from './replay-window.ts';

export interface SeenKnocksInit {
  /** A folder. In memory only when left out. */
  readonly path: string | undefined;
  readonly clock: Clock;
  /** The folder cannot be written: knocks are remembered by this process alone. */
  readonly onTrouble: (error: unknown) => void;
}

const OWNER_ONLY = 0o700;
/** Knocks of one time lie in one folder, named by its number. */
const slotOf = (timeMs: number): number => Math.floor(timeMs / KNOCK_WINDOW_MS);

/**
 * Knocks that were answered. Each makes an empty file named by its salt, which can be made once only: so none is answered again after
 * a restart, nor by another process of the same home, which has the same peer id. Nothing is synced: a power cut may lose the last ones.
 */
export class SeenKnocks {
  readonly #init: SeenKnocksInit;
  readonly #memory: ReplayWindow;
  #slot = Number.NaN;
  #kept = 0;

  constructor(init: SeenKnocksInit) {
    this.#init = init;
    this.#memory = new ReplayWindow({ windowMs: 2 * KNOCK_WINDOW_MS, maxKeys: MAX_REMEMBERED_KNOCKS }, init.clock);
  }

  /** Remembers a knock that is within the window; false when it was answered before. */
  async take({ id, timeMs }: Pick<OpenedKnock, 'id' | 'timeMs'>): Promise<boolean> {
    if (!this.#memory.take(id)) return false;
    const { path } = this.#init;
    if (path === undefined) return true;
    try {
      await this.#forgetOld(path);
      // Only members come so far, and one that knocks this often is given up for other reasons.
      return this.#kept++ >= MAX_REMEMBERED_KNOCKS || await keep(join(path, String(slotOf(timeMs))), id);
    } catch (error) {
      this.#init.onTrouble(error);
      return true;
    }
  }

  /** Once for each slot of time: whole folders of knocks that are too old by now to be taken anyway. */
  async #forgetOld(path: string): Promise<void> {
    const nowMs = this.#init.clock.now();
    if (this.#slot === slotOf(nowMs)) return;
    this.#slot = slotOf(nowMs);
    this.#kept = 0;
    const oldest = slotOf(nowMs - KNOCK_WINDOW_MS);
    const slots = await readdir(path).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : Promise.reject(error)));
    await Promise.all(slots.filter((name) => /^\d+$/.test(name) && Number(name) < oldest).map((name) => rm(join(path, name), { recursive: true, force: true })));
  }
}

async function keep(folder: string, id: string): Promise<boolean> {
  const create = async (): Promise<void> => (await open(join(folder, id), 'wx', 0o600)).close();
  try {
    await create().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
      await create();
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
