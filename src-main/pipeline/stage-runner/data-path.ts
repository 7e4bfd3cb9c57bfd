import { crc32 } from 'node:zlib';
import type { Clock } from '../../base/index.ts';
import { rowBytes, type LaneRow, type LaneToken, type StageInput, type StageOutput } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { FLAG_REPLAY, FLAG_TRUNCATE, FrameType, HEADER_BYTES } from '../wire/constants.ts';
import { encodeHeader, type Frame, type FrameFields, type PathTiming } from '../wire/frame.ts';
import type { StageLink } from '../wire/link.ts';
import { readControl } from '../wire/schema.ts';
import { decodeSampled, decodeTokens, encodeSampled, type SampledToken } from '../wire/tokens.ts';
import type { StageSession, WorkItem } from './stage-session.ts';
import type { StepTiming } from './step-stats.ts';
import { TokenFeeder } from './token-feeder.ts';

type Sampled = Extract<StageOutput, { kind: 'sampled' }>;
const NO_PATH: PathTiming = { computeUs: 0, serialiseUs: 0, waitUs: 0 };

/** The hot path of a stage: rows in, rows or a token out. No JSON, no timer and no promise of its own per token. */
export class DataPath {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Coordinator -> stage 0: what ends the run that follows. */
  onRun(session: StageSession, frame: Frame, link: StageLink): void {
    const message = readControl(frame, FrameType.run, link.peer);
    session.begin(frame.run, frame.position, link.peer);
    session.feeder = new TokenFeeder({
      run: frame.run, message, contextTokens: session.contextTokens, vocabSize: session.init.entry.engine.info.vocabSize,
      feed: (token, position) => this.#feed(session, token, position),
    });
  }

  /** Coordinator -> stage 0: a micro-batch of the prompt. */
  onTokens(session: StageSession, frame: Frame, link: StageLink): void {
    if (!session.accepts(frame, link.peer)) return;
    const tokens = decodeTokens(frame.payload);
    const { vocabSize } = session.init.entry.engine.info;
    const alien = tokens.find((token) => token < 0 || (vocabSize > 0 && token >= vocabSize));
    if (alien !== undefined) throw pipelineErrors.badFrame({ peer: link.peer, reason: `token ${alien} is not in the vocabulary` });
    this.#queue(session, frame, { link, input: { kind: 'tokens', tokens } });
  }

  /** Stage k-1 -> stage k. */
  onHidden(session: StageSession, frame: Frame, link: StageLink): void {
    session.dataLink = link;
    if (frame.dtype === undefined || !session.accepts(frame, link.peer)) return;
    this.#queue(session, frame, { link, input: { kind: 'hidden', dtype: frame.dtype, rows: frame.rows, data: frame.payload } });
  }

  /** Last stage -> stage 0: the token that closes the ring. */
  onToken(session: StageSession, frame: Frame, link: StageLink): void {
    session.dataLink = link;
    if (frame.run !== session.run) return;
    const { token } = decodeSampled(frame.payload);
    // Some boundary has no lane, so that the token came this way; what is due, the lane knows.
    if (session.init.lane?.feeds === true) return session.init.lane.token(frame.run, { token, position: frame.position });
    if (frame.position !== session.due) throw pipelineErrors.outOfStep({ peer: link.peer, expected: session.due, got: frame.position });
    if (session.ringSentMs !== undefined) {
      session.stats.addRing((link.lastHeardMs - session.ringSentMs) * 1000, frame.computeUs + frame.serialiseUs + frame.waitUs);
      session.ringSentMs = undefined;
    }
    session.feeder?.onToken(token, frame.position, link.peer);
  }

  /** The engine computed an item: pass it on. */
  deliver(item: WorkItem, output: StageOutput, spent: StepTiming): void {
    if (!item.session.isLast) this.#sendHidden(item, output, spent);
    else if (output.kind === 'sampled') this.#sendToken(item, output, spent);
    else if (output.kind === 'none') item.session.stats.add(item, spent);
    else throw pipelineErrors.engineMisbehaved({ wanted: 'a token', got: output.kind });
  }

  #queue(session: StageSession, frame: Frame, { link, input }: { link: StageLink; input: StageInput }): void {
    const { run, position, batch, rows, flags } = frame;
    const nowMs = this.#clock.monotonicMs();
    const item: WorkItem = {
      session, run, position, batch, rows, input, path: frame, creditTo: link, isPrefill: !session.promptDone,
      // Stage 0 already began the run; the stages after it learn of it through the first frame.
      flags: session.isFirst && batch === 0 ? flags | FLAG_TRUNCATE : flags,
      decodeUs: (nowMs - link.lastHeardMs) * 1000, queuedMs: nowMs,
    };
    session.queued(item, link.peer);
    session.init.entry.loop.push(item);
  }

  #feed(session: StageSession, token: number, position: number): void {
    const { feeder, init } = session;
    if (feeder !== undefined && init.lane?.takeOver(feeder, { token, position }) === true) return;
    const item: WorkItem = {
      session, run: session.run, position, batch: 0, rows: 1, flags: 0, isPrefill: false, path: NO_PATH, creditTo: undefined,
      input: { kind: 'tokens', tokens: Int32Array.of(token) }, decodeUs: 0, queuedMs: this.#clock.monotonicMs(),
    };
    session.queued(item, init.control.peer);
    init.entry.loop.push(item);
  }

  /** The lane computed a row and has no connection to send it on. */
  onLaneHidden(session: StageSession, row: LaneRow): void {
    const { init, nextAddress } = session;
    if (row.run !== session.run || init.next === undefined) return;
    const { run, position, computeUs, serialiseUs, waitUs, data } = row;
    const { hiddenSize } = init.entry.engine.info;
    init.next.postParts(encodeHeader(nextAddress, { type: FrameType.hidden, run, position, rows: 1, dtype: init.dtypes.sends, hiddenSize, computeUs, serialiseUs, waitUs }, data), data);
    countSent(session, data);
    init.lane?.ask(nextAddress, init.next);
  }

  /** The lane sampled a token. */
  onLaneToken(session: StageSession, sampled: LaneToken): void {
    if (sampled.run !== session.run) return;
    const { run, position, computeUs, serialiseUs, waitUs, atUs } = sampled;
    const gapUs = session.gapTo({ position, atUs, clock: 'lane' });
    this.#postToken(session, sampled, { fields: { type: FrameType.token, run, position, batch: gapUs, computeUs, serialiseUs, waitUs }, toFirst: !sampled.passedOn });
  }

  #sendHidden(item: WorkItem, output: StageOutput, spent: StepTiming): void {
    const { session, rows } = item;
    const { hiddenSize } = session.init.entry.engine.info;
    const { dtypes: { sends: dtype }, next } = session.init;
    if (output.kind !== 'hidden' || next === undefined || output.data.byteLength !== rows * rowBytes(dtype, hiddenSize)) {
      throw pipelineErrors.engineMisbehaved({ wanted: `${rows} rows of hidden states`, got: output.kind });
    }
    const startedMs = this.#clock.monotonicMs();
    const payloadCrc = crc32(output.data);
    const all = this.#count(item, spent, startedMs);
    const { run, position, batch, flags } = item;
    next.postParts(encodeHeader(session.nextAddress, { type: FrameType.hidden, run, position, batch, rows, flags, dtype, hiddenSize, payloadCrc, ...pathOn(item, all) }, output.data), output.data);
    countSent(session, output.data);
    if (session.isFirst && !item.isPrefill) session.ringSentMs = this.#clock.monotonicMs();
    session.init.lane?.ask(session.nextAddress, next);
  }

  #sendToken(item: WorkItem, output: Sampled, spent: StepTiming): void {
    const { session, run } = item;
    const position = item.position + item.rows;
    const path = pathOn(item, this.#count(item, spent, this.#clock.monotonicMs()));
    const isKnown = (item.flags & FLAG_REPLAY) !== 0;
    const gapUs = session.gapTo({ position, atUs: spent.endMs * 1000, clock: 'node' });
    this.#postToken(session, output, { fields: { type: FrameType.token, run, position, batch: gapUs, ...path }, toFirst: !session.isFirst && !isKnown });
    if (session.isFirst && !isKnown) session.feeder?.onToken(output.token, position, session.init.control.peer);
  }

  // Stage 0 first: the next token waits for it, the reader does not.
  #postToken(session: StageSession, sampled: SampledToken, { fields, toFirst }: { readonly fields: FrameFields; readonly toFirst: boolean }): void {
    const { next, control, lane, entry } = session.init;
    if (toFirst && next !== undefined) {
      const bare = encodeSampled({ token: sampled.token, logprob: sampled.logprob, top: [] });
      next.postParts(encodeHeader(session.nextAddress, fields, bare), bare);
      countSent(session, bare);
      lane?.ask(session.nextAddress, next);
    }
    const full = encodeSampled(sampled);
    control.postParts(encodeHeader(session.address, fields, full), full);
    entry.countSent('coordinator', HEADER_BYTES + full.byteLength);
  }

  #count(item: WorkItem, spent: StepTiming, startedMs: number): PathTiming {
    const all = { ...spent, serialiseUs: spent.serialiseUs + (this.#clock.monotonicMs() - startedMs) * 1000 };
    item.session.stats.add(item, all);
    return all;
  }
}

function countSent({ stats, init }: StageSession, payload: Uint8Array): void {
  const bytes = HEADER_BYTES + payload.byteLength;
  stats.sent(bytes);
  init.entry.countSent('stage', bytes);
}

/** Time since the frame left stage 0; what stage 0 itself spent is not part of the way round. */
const pathOn = ({ session, path }: WorkItem, spent: PathTiming): PathTiming => (session.isFirst ? NO_PATH : {
  computeUs: path.computeUs + spent.computeUs, serialiseUs: path.serialiseUs + spent.serialiseUs, waitUs: path.waitUs + spent.waitUs,
});
