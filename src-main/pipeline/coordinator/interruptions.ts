import type { WireError } from '../../base/index.ts';
import type { StageAssignment } from '../ports.ts';

/** More of one answer are not remembered. */
const MAX_INTERRUPTIONS = 64;

/** A stage that was lost or given up; all answers of that moment share it. */
export interface StageLoss {
  /** Not the error itself: its stack would keep the stages that went. */
  readonly error: WireError;
  /** Who took over its layers; empty until somebody has. */
  takenBy: readonly StageAssignment[];
}

/** What a lost stage cost one answer. */
export interface Interruption extends Readonly<StageLoss> {
  /** Of the answer, before. */
  readonly tokens: number;
  /** From the last that was heard of the answer until its next new token; undefined when none came. */
  readonly pausedMs: number | undefined;
}

interface Pause {
  readonly loss: StageLoss;
  readonly tokens: number;
  readonly sinceMs: number;
  pausedMs: number | undefined;
}

/** The losses that one answer outlived, or did not. */
export class Interruptions {
  readonly #all: Pause[] = [];
  #isOpen = false;

  begin(loss: StageLoss, { tokens, sinceMs }: Pick<Pause, 'tokens' | 'sinceMs'>): void {
    if (this.#all.length >= MAX_INTERRUPTIONS) return;
    this.#all.push({ loss, tokens, sinceMs, pausedMs: undefined });
    this.#isOpen = true;
  }

  /** A new token came. */
  end(nowMs: number): void {
    if (!this.#isOpen) return;
    for (const pause of this.#all) pause.pausedMs ??= nowMs - pause.sinceMs;
    this.#isOpen = false;
  }

  /** In order of time. */
  toArray(): Interruption[] {
    return this.#all.map(({ loss: { error, takenBy }, tokens, pausedMs }) => ({ error, takenBy, tokens, pausedMs }));
  }
}
