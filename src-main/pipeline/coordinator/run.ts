import { randomInt } from 'node:crypto';
import type { CodedError } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import { FLAG_TRUNCATE, FrameType } from '../wire/constants.ts';
import { encodeHeader, type Frame } from '../wire/frame.ts';
import { FrameWindow } from '../wire/frame-window.ts';
import { decodeSampled, encodeTokens, type SampledToken } from '../wire/tokens.ts';
import type { Assembly } from './assembly.ts';
import type { Feed } from './script.ts';
import type { OpenSession } from './session-pool.ts';
import type { SessionListener } from './stage-client.ts';

/** A stage that lost its neighbour may be the neighbour's victim or its judge: whoever knows better may speak first. */
const SUSPICION_MS = 100;

/** `gapUs`: since the token before was sampled, by the last stage's clock; undefined where it does not say. */
export type NewToken = SampledToken & { readonly gapUs: number | undefined };

export interface RunInit {
  readonly assembly: Assembly;
  readonly session: OpenSession;
  readonly script: readonly Feed[];
  readonly endTokens: readonly number[];
  /** Tokens that may still be produced. */
  readonly maxTokens: number;
  /** Position up to which the reader has room. */
  readonly limit: number;
  /** A token that was not known; its position is the due one. */
  readonly onToken: (sampled: NewToken, position: number) => void;
  /** A token that was known, sampled anew in a replay. */
  readonly onEcho: (token: number, position: number) => void;
  /** The stages took up part of the script. */
  readonly onProgress: () => void;
  readonly onError: (error: CodedError) => void;
}

// Never the same for two sessions, so that what an engine's slot tells late of one is never taken for the next one's.
let runs = randomInt(1, 2 ** 24);
const nextRun = (): number => (runs = (runs % 0xffff_fffe) + 1);

/** One session's way from a script to new tokens, on the stages of one assembly. */
export class Run implements SessionListener {
  readonly session: OpenSession;
  readonly #init: RunInit;
  readonly #number: number;
  readonly #sent = new FrameWindow();
  #due: number;
  #next = 0;
  #credited = 0;
  #ended = false;
  #suspicion: NodeJS.Timeout | undefined;

  constructor(init: RunInit) {
    const { assembly, session, script, endTokens, maxTokens, limit } = init;
    this.#init = init;
    this.session = session;
    this.#number = nextRun();
    const last = script.at(-1);
    this.#due = last === undefined ? 0 : last.position + last.tokens.length;
    for (const client of assembly.clients) client.listeners.set(session.id, this);
    const { first } = assembly;
    first.link.postControl({ ...first.address(session.id), run: this.#number, position: script[0]?.position ?? 0 }, FrameType.run, { endTokens: [...endTokens], maxTokens, limit });
    this.#feed();
  }

  /** Frames of the script are still to be sent. */
  get isFeeding(): boolean {
    return this.#next < this.#init.script.length;
  }

  /** Rows of the script that stage 0 has taken up; the last ones are known to be by the first new token. */
  get takenRows(): number {
    return this.#init.script.slice(0, this.#credited).reduce((sum, { tokens }) => sum + tokens.length, 0);
  }

  /** The reader took tokens: positions before `limit` may be produced. */
  extend(limit: number): void {
    this.#post({ type: FrameType.window, position: limit });
  }

  /** The reader has enough: stage 0 feeds nothing any more. */
  stop(): void {
    this.#post({ type: FrameType.stop });
  }

  /** Hears nothing any more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#suspicion);
    for (const client of this.#init.assembly.clients) if (client.listeners.get(this.session.id) === this) client.listeners.delete(this.session.id);
  }

  onToken(frame: Frame): void {
    if (frame.run !== this.#number || this.#ended) return;
    const sampled = decodeSampled(frame.payload);
    if (frame.position < this.#due && this.#isEcho(frame.position)) return this.#init.onEcho(sampled.token, frame.position);
    if (frame.position !== this.#due) return this.onError(pipelineErrors.stageMisbehaved({ ...this.#init.assembly.last.ref, code: 'PIPELINE_OUT_OF_STEP', reason: `token for position ${frame.position}, due is ${this.#due}` }));
    this.#due++;
    this.#init.onToken({ ...sampled, gapUs: frame.batch === 0 ? undefined : frame.batch }, frame.position);
  }

  onCredit(frame: Frame): void {
    if (frame.run !== this.#number || this.#ended || !this.#sent.give(frame.flags)) return;
    this.#credited++;
    this.#init.onProgress();
    this.#feed();
  }

  onError(error: CodedError): void {
    if (this.#ended) return;
    if (error.code !== 'PIPELINE_STAGE_LOST') return this.#init.onError(error);
    this.#suspicion ??= setTimeout(() => this.#init.onError(error), SUSPICION_MS);
  }

  // In a replay each row's token comes once more; the script's own end is the first new one.
  #isEcho(position: number): boolean {
    const { script } = this.#init;
    const end = script.at(-1);
    return script.length > 1 && end !== undefined && position > (script[0]?.position ?? 0) && position <= end.position;
  }

  #feed(): void {
    const { assembly: { first }, script } = this.#init;
    for (let feed = script[this.#next]; feed !== undefined; feed = script[this.#next]) {
      const { position, tokens, flags } = feed;
      const rows = tokens.length;
      if (!this.#sent.hasRoom({ flags, rows })) return;
      this.#sent.take({ flags, rows });
      const payload = encodeTokens(tokens);
      const batch = this.#next++;
      const fields = { type: FrameType.tokens, run: this.#number, position, rows, flags: batch === 0 ? flags | FLAG_TRUNCATE : flags, batch };
      first.link.postParts(encodeHeader(first.address(this.session.id), fields, payload), payload);
    }
  }

  #post(fields: { readonly type: FrameType; readonly position?: number }): void {
    const { first } = this.#init.assembly;
    first.link.post(first.address(this.session.id), { ...fields, run: this.#number });
  }
}
