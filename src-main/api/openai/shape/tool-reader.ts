import { ARGUMENTS_HEAD, CALL_TAG, CALL_TAIL, NAME_HEAD } from './tool-text.ts';

export type ToolPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string }
  /** More of the newest call's arguments. */
  | { readonly kind: 'arguments'; readonly text: string };

/** Takes an answer's text apart as it comes: words, then calls as `tool-text` writes them. */
export class ToolReader {
  #at: 'text' | 'name' | 'arguments' | 'tail' = 'text';
  #held = '';
  #calls = 0;
  readonly #depth = new JsonDepth();

  /** Calls whose name is known. */
  get calls(): number {
    return this.#calls;
  }

  push(text: string): ToolPiece[] {
    this.#held += text;
    const pieces: ToolPiece[] = [];
    while (this.#step(pieces));
    return pieces;
  }

  /** The rest, when no more text comes. */
  end(): ToolPiece[] {
    const text = this.#held;
    this.#held = '';
    return this.#at === 'text' && this.#calls === 0 && text !== '' ? [{ kind: 'text', text }] : [];
  }

  /** True: there may be more to be told. */
  #step(pieces: ToolPiece[]): boolean {
    switch (this.#at) {
      case 'text': return this.#text(pieces);
      case 'name': return this.#name(pieces);
      case 'arguments': return this.#arguments(pieces);
      case 'tail': return this.#tail();
    }
  }

  // White space before a call belongs to it. After a call there is nothing but white space.
  #text(pieces: ToolPiece[]): boolean {
    const tag = this.#held.indexOf(CALL_TAG);
    const sure = tag === -1 ? this.#sureChars() : this.#held.slice(0, tag).trimEnd().length;
    if (sure > 0 && this.#calls === 0) pieces.push({ kind: 'text', text: this.#held.slice(0, sure) });
    this.#held = this.#held.slice(tag === -1 ? sure : tag + CALL_TAG.length);
    if (tag === -1) return false;
    this.#at = 'name';
    return true;
  }

  #sureChars(): number {
    let open = Math.min(CALL_TAG.length - 1, this.#held.length);
    while (open > 0 && !this.#held.endsWith(CALL_TAG.slice(0, open))) open--;
    return this.#held.slice(0, this.#held.length - open).trimEnd().length;
  }

  #name(pieces: ToolPiece[]): boolean {
    const end = this.#held.indexOf(ARGUMENTS_HEAD);
    if (end === -1) return false;
    pieces.push({ kind: 'call', name: this.#held.slice(NAME_HEAD.length, end) });
    this.#held = this.#held.slice(end + ARGUMENTS_HEAD.length);
    this.#calls++;
    this.#depth.reset();
    this.#at = 'arguments';
    return true;
  }

  #arguments(pieces: ToolPiece[]): boolean {
    const end = this.#depth.endIn(this.#held);
    const text = this.#held.slice(0, end);
    if (text !== '') pieces.push({ kind: 'arguments', text });
    this.#held = this.#held.slice(text.length);
    if (end === undefined) return false;
    this.#at = 'tail';
    return true;
  }

  #tail(): boolean {
    if (this.#held.length < CALL_TAIL.length) return false;
    this.#held = this.#held.slice(CALL_TAIL.length);
    this.#at = 'text';
    return true;
  }
}

/** Finds the end of a JSON object that comes in pieces. */
class JsonDepth {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  reset(): void {
    this.#depth = 0;
    this.#isInString = this.#isEscaped = false;
  }

  /** How many characters of the piece belong to it, where it ends there. */
  endIn(piece: string): number | undefined {
    for (let i = 0; i < piece.length; i++) {
      this.#take(piece.charAt(i));
      if (this.#depth === 0 && !this.#isInString) return i + 1;
    }
    return undefined;
  }

  #take(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isInString) [this.#isEscaped, this.#isInString] = [character === '\\', character !== '"'];
    else if (character === '"') this.#isInString = true;
    else if ('{['.includes(character)) this.#depth++;
    else if ('}]'.includes(character)) this.#depth--;
  }
}
