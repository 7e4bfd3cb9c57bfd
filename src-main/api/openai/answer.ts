import { openaiErrors } from './errors.ts';
import type { ChosenToken, CompletionPart } from './ports.ts';
import { ToolReader, type ToolPiece } from './shape/tool-reader.ts';
import { StopFilter } from './stop-filter.ts';

export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Tokens of the answer that were taken: up to the one that completed a stop text. */
  readonly completionTokens: number;
}

export type AnswerEvent =
  | { readonly kind: 'accepted' }
  /** `chances` are of the tokens whose text is out by now; empty where they were not asked for. */
  | { readonly kind: 'text'; readonly text: string; readonly chances: readonly ChosenToken[] }
  /** A function is called; its arguments follow. `index`: of the answer's calls. */
  | { readonly kind: 'call'; readonly index: number; readonly name: string }
  | { readonly kind: 'arguments'; readonly index: number; readonly text: string }
  | { readonly kind: 'end'; readonly finishReason: AnswerFinish; readonly usage: Usage };

export type AnswerFinish = 'stop' | 'length' | 'tool_calls';

/** An answer up to its first stop text; leaving it, then or early, ends the answer behind it. */
export async function* readAnswer(parts: AsyncIterable<CompletionPart>, stops: readonly string[]): AsyncGenerator<AnswerEvent> {
  const reader = new Reader(stops);
  for await (const part of parts) {
    const event = reader.take(part);
    if (event !== undefined) yield event;
    if (reader.isStopped) return yield reader.end('stop');
    if (part.kind === 'done') return yield reader.end(finishOf(part.finishReason));
  }
  throw openaiErrors.answerEnded({});
}

/** A full context ends an answer for want of room, as its limit does. */
function finishOf(reason: Extract<CompletionPart, { kind: 'done' }>['finishReason']): 'stop' | 'length' {
  if (reason === 'cancelled') throw openaiErrors.answerEnded({});
  return reason === 'stop' ? 'stop' : 'length';
}

/** An answer whose text may be calls. */
export async function* readCalls(events: AsyncIterable<AnswerEvent>): AsyncGenerator<AnswerEvent> {
  const reader = new ToolReader();
  let index = -1;
  const told = (piece: ToolPiece): AnswerEvent => {
    if (piece.kind === 'text') return { ...piece, chances: [] };
    if (piece.kind === 'call') index++;
    return { ...piece, index };
  };
  for await (const event of events) {
    if (event.kind === 'text') for (const piece of reader.push(event.text)) yield told(piece);
    else if (event.kind !== 'end') yield event;
    else {
      for (const piece of reader.end()) yield told(piece);
      yield { ...event, finishReason: event.finishReason === 'stop' && reader.calls > 0 ? 'tool_calls' : event.finishReason };
    }
  }
}

class Reader {
  readonly #filter: StopFilter;
  #usage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
  /** Chances of tokens whose text is not out yet, with where it ends. */
  #waiting: { readonly chance: ChosenToken; readonly endChar: number }[] = [];
  #chars = 0;
  #out = 0;

  constructor(stops: readonly string[]) {
    this.#filter = new StopFilter(stops);
  }

  get isStopped(): boolean {
    return this.#filter.isStopped;
  }

  take(part: CompletionPart): AnswerEvent | undefined {
    if (part.kind === 'accepted') {
      this.#usage = { ...this.#usage, promptTokens: part.promptTokens };
      return { kind: 'accepted' };
    }
    if (part.kind === 'begun') {
      this.#usage = { ...this.#usage, cachedTokens: part.cachedTokens };
      return undefined;
    }
    if (part.kind === 'token') this.#count(part);
    const sure = this.#filter.push(part.text);
    const text = part.kind === 'done' && !this.isStopped ? sure + this.#filter.end() : sure;
    return this.#told(text);
  }

  end(finishReason: 'stop' | 'length'): AnswerEvent {
    return { kind: 'end', finishReason, usage: this.#usage };
  }

  #count({ text, chance }: Extract<CompletionPart, { kind: 'token' }>): void {
    this.#usage = { ...this.#usage, completionTokens: this.#usage.completionTokens + 1 };
    this.#chars += text.length;
    if (chance !== undefined) this.#waiting.push({ chance, endChar: this.#chars });
  }

  #told(text: string): AnswerEvent | undefined {
    this.#out += text.length;
    const due = this.#waiting.filter(({ endChar }) => endChar <= this.#out);
    this.#waiting = this.#waiting.slice(due.length);
    return text === '' && due.length === 0 ? undefined : { kind: 'text', text, chances: due.map(({ chance }) => chance) };
  }
}
