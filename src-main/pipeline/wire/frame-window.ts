import { PREFILL_WINDOW, REPLAY_WINDOW } from '../options.ts';
import { FLAG_MORE, FLAG_REPLAY } from './constants.ts';

type Rows = { readonly flags: number; readonly rows: number };

/**
 * The flag that a frame's credit carries: FLAG_REPLAY for the single rows of a replay, of which more fit, FLAG_MORE for
 * other frames that more frames follow; 0: the frame needs no credit.
 */
export function creditFlag({ flags, rows }: Rows): number {
  if ((flags & FLAG_REPLAY) !== 0 && rows === 1) return FLAG_REPLAY;
  return (flags & (FLAG_MORE | FLAG_REPLAY)) === 0 ? 0 : FLAG_MORE;
}

/** Frames of one session that were sent over a boundary (or received over it) and not yet credited. */
export class FrameWindow {
  readonly #used = new Map([[FLAG_MORE, 0], [FLAG_REPLAY, 0]]);

  hasRoom(frame: Rows): boolean {
    const flag = creditFlag(frame);
    return flag === 0 || (this.#used.get(flag) ?? 0) < limitOf(flag);
  }

  take(frame: Rows): void {
    this.#add(creditFlag(frame), 1);
  }

  /** A credit came for a frame with this credit flag. False: none was due. */
  give(flag: number): boolean {
    if ((this.#used.get(flag) ?? 0) === 0) return false;
    this.#add(flag, -1);
    return true;
  }

  clear(): void {
    for (const flag of this.#used.keys()) this.#used.set(flag, 0);
  }

  #add(flag: number, frames: number): void {
    if (flag !== 0) this.#used.set(flag, (this.#used.get(flag) ?? 0) + frames);
  }
}

const limitOf = (flag: number): number => (flag === FLAG_REPLAY ? REPLAY_WINDOW : PREFILL_WINDOW);
