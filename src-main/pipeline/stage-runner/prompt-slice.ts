import type { ControlAddress, StageLink } from '../wire/link.ts';
import { FrameType } from '../wire/constants.ts';
import type { ControlMessage } from '../wire/schema.ts';

/** Fewer rows would read all weights for next to nothing. */
const LEAST_ROWS = 8;
const MOST_ROWS = 4096;
/** What a pass before weighs against the newest. */
const MEMORY = 0.8;
/** More rows than before must stay clear of the slice by this much, so that the size rests. */
const GROW_WITHIN = 0.7;

/**
 * How many rows of a prompt one engine computes in `sliceMs`, a power of two: others' next tokens wait for such a pass. Follows
 * the passes of prompts as they are measured; a slower one counts at once, a faster one when it is clearly so.
 */
export class SliceMeter {
  readonly #sliceMs: number;
  #ms = 0;
  #rows = 0;
  #isWarm = false;
  #chosen: number | undefined;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  /** Undefined before a warm pass was seen. */
  get rows(): number | undefined {
    return this.#chosen;
  }

  /** The first pass maps the weights, and says nothing of the next. */
  add(rows: number, ms: number): void {
    if (!this.#isWarm) return void (this.#isWarm = true);
    this.#ms = this.#ms * MEMORY + ms;
    this.#rows = this.#rows * MEMORY + rows;
    const fits = powerOfTwo((this.#sliceMs * this.#rows) / this.#ms);
    const fitsWell = powerOfTwo((GROW_WITHIN * this.#sliceMs * this.#rows) / this.#ms);
    this.#chosen = this.#chosen === undefined || fits < this.#chosen ? fits : Math.max(this.#chosen, fitsWell);
  }
}

const powerOfTwo = (rows: number): number => Math.min(MOST_ROWS, Math.max(LEAST_ROWS, 2 ** Math.floor(Math.log2(rows))));

/** A coordinator that holds the engine's range, and how it is told. */
export interface SliceWatcher {
  readonly link: StageLink;
  /** Of its lease. */
  readonly address: ControlAddress;
}

type Slice = ControlMessage<typeof FrameType.slice>;

/** Tells the coordinators of one engine how many rows of a prompt others wait for, and whether there are others; each time that it changes. */
export class PromptSlice {
  readonly #meter: SliceMeter;
  readonly #controls: () => readonly StageLink[];
  readonly #told = new Map<SliceWatcher, Slice>();

  /** `controls`: the coordinators' links, one for each open session. */
  constructor(sliceMs: number, controls: () => readonly StageLink[]) {
    this.#meter = new SliceMeter(sliceMs);
    this.#controls = controls;
  }

  /** Until the returned function is called. */
  watch(watcher: SliceWatcher): () => void {
    if (!watcher.link.knows('slice')) return () => undefined;
    this.#told.set(watcher, { others: false });
    this.tell();
    return () => void this.#told.delete(watcher);
  }

  /** A pass with so many rows of a prompt. */
  observe(rows: number, ms: number): void {
    const before = this.#meter.rows;
    this.#meter.add(rows, ms);
    if (this.#meter.rows !== before) this.tell();
  }

  /** Sessions came or went. */
  tell(): void {
    const controls = this.#controls();
    const { rows } = this.#meter;
    for (const [watcher, told] of this.#told) {
      const others = controls.some((link) => link !== watcher.link);
      if (told.others === others && told.rows === rows) continue;
      const slice = { others, ...(rows === undefined ? {} : { rows }) };
      this.#told.set(watcher, slice);
      watcher.link.postControl(watcher.address, FrameType.slice, slice);
    }
  }
}
