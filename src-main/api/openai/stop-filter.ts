/**
 * Ends a text before the first of some stop texts, however it is cut into pieces: what may be the beginning of one is
 * held back until it is known. Of stops that end at the same piece the one that begins first counts.
 */
export class StopFilter {
  readonly #stops: readonly string[];
  #held = '';
  #isStopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** A stop text came: nothing follows. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** UTF-16 units that wait. */
  get heldChars(): number {
    return this.#held.length;
  }

  /** What of the text so far is sure, and was not given out yet. */
  push(piece: string): string {
    if (this.#isStopped) return '';
    const text = this.#held + piece;
    const end = Math.min(...this.#stops.map((stop) => text.indexOf(stop)).map((at) => (at === -1 ? Infinity : at)));
    if (end !== Infinity) {
      this.#isStopped = true;
      this.#held = '';
      return text.slice(0, end);
    }
    const sure = text.length - this.#openChars(text);
    this.#held = text.slice(sure);
    return text.slice(0, sure);
  }

  /** The rest, when no more text comes. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** How much of the end of a text could still become a stop. */
  #openChars(text: string): number {
    return Math.max(0, ...this.#stops.map((stop) => {
      for (let chars = Math.min(stop.length - 1, text.length); chars > 0; chars--) if (text.endsWith(stop.slice(0, chars))) return chars;
      return 0;
    }));
  }
}
