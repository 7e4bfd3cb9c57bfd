import { afterEach, expect, test } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { ACCEPT, DATA_MARK, joinFrame, newMoveId, openFrame, readMoveFrame, SWITCH } from '../../src-main/mesh/streams/move/frames.ts';
import { Moves } from '../../src-main/mesh/streams/move/moves.ts';
import type { FrameStream, ProtocolLimits } from '../../src-main/mesh/types.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { mutate } from './mutate.ts';
import { FUZZ_PEER, ScriptedStream } from './scripted-stream.ts';

const RUNS = casesOf(3_000);
const LIMITS: ProtocolLimits = { maxFrameBytes: 64, maxQueuedFrames: 32, maxInboundStreams: 8, maxOutboundStreams: 8, moves: true };
const PROTOCOL = '/fuzz/1.0.0';
const init = { peer: FUZZ_PEER, protocol: PROTOCOL, limits: LIMITS, traffic: { sent: () => undefined, received: () => undefined, refused: () => undefined } };
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);
process.on('unhandledRejection', onUnhandled);
afterEach(() => { expect(unhandled.splice(0)).toEqual([]); });

test(`${RUNS} damaged frames of a move are one of the five kinds or none`, () => {
  const random = seeded(51);
  const samples = [openFrame(newMoveId()), joinFrame(newMoveId()), ACCEPT, SWITCH, Buffer.from([1, 2, 3, 0])].map((frame) => Buffer.from(frame));
  const kinds = new Set<string | undefined>();
  for (let run = 0; run < RUNS; run++) {
    // Frames of one byte are too short to be damaged: they lose it, or get another.
    const good = samples[run % samples.length] ?? Buffer.alloc(0);
    const bytes = good.length < 8 && random() < 0.5 ? Buffer.of(Math.floor(random() * 8)) : mutate(good, random);
    const frame = readMoveFrame(bytes);
    kinds.add(frame?.kind);
    if (frame?.kind === 'data' && frame.payload.byteLength !== bytes.length - 1) expect(bytes).toBeUndefined();
    if ((frame?.kind === 'open' || frame?.kind === 'join') && !/^[0-9a-f]{32}$/.test(frame.id)) expect(bytes).toBeUndefined();
  }
  expect(kinds).toEqual(new Set(['data', 'open', 'join', 'accept', 'switch', undefined]));
});

interface PathInit {
  readonly id: string;
  readonly path: number;
  readonly isHonest: boolean;
  /** Settles when the next path was joined: an honest peer leaves this one after that. */
  readonly joined: Promise<void>;
}

/** Frames of one path: numbered data and the switch, and now and then something that may be out of place. */
function framesOf(random: () => number, { id, path, isHonest, joined }: PathInit): (Uint8Array | Promise<Uint8Array>)[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const odd = [openFrame(id), joinFrame(id), ACCEPT, SWITCH, Buffer.of(99), Buffer.alloc(0)];
  const data = Array.from({ length: below(5) }, (_, n) => Buffer.concat([Buffer.of(path, n), DATA_MARK]));
  const frames: (Uint8Array | Promise<Uint8Array>)[] = [path === 0 ? openFrame(id) : joinFrame(id), ...data];
  if (isHonest || random() < 0.7) frames.push(joined.then(() => SWITCH));
  if (!isHonest) for (let lie = below(3); lie > 0; lie--) void frames.splice(below(frames.length + 1), below(2), odd[below(odd.length)] ?? ACCEPT);
  return frames;
}

/** All that comes of a stream, and how it ends. */
async function drained(stream: FrameStream): Promise<{ readonly frames: readonly Uint8Array[]; readonly error: Error | undefined }> {
  const frames: Uint8Array[] = [];
  try {
    for await (const frame of stream) frames.push(frame);
    void stream.close();
  } catch { /* As `closed` says. */ }
  return { frames, error: await stream.closed };
}

/** Path by path, number by number; a peer that lies may have left out some itself. */
const isInOrder = (order: readonly (readonly [path: number, n: number])[], isHonest: boolean): boolean => order.every(([path, n], i) => {
  const [beforePath, beforeN] = order[i - 1] ?? [path, -1];
  if (path !== beforePath) return path > beforePath;
  return isHonest ? n === beforeN + 1 : n > beforeN;
});

test(`${RUNS} streams that move, rightly or not: what is read has no gap and keeps its order, and every stream ends`, async () => {
  const random = seeded(52);
  let [streams, clean, refused, moved] = [0, 0, 0, 0];
  for (let run = 0; run < RUNS; run++) {
    const moves = new Moves(() => undefined);
    const id = newMoveId();
    const isHonest = random() < 0.5;
    const joins = Array.from({ length: 1 + Math.floor(random() * 3) }, () => Promise.withResolvers<void>());
    // The last path of an honest peer is left by its end, not by a switch.
    const paths = joins.map(({ promise }, path) => new ScriptedStream(framesOf(random, { id, path, isHonest, joined: promise }).slice(0, isHonest && path === joins.length - 1 ? -1 : undefined), PROTOCOL));
    const accepted: ReturnType<typeof drained>[] = [];
    for (const [i, path] of paths.entries()) {
      await moves.receive(path, init, (stream) => void accepted.push(drained(stream)));
      joins[i - 1]?.resolve();
    }
    joins.at(-1)?.resolve();
    for (const { frames, error } of await Promise.all(accepted)) {
      streams++;
      if (error === undefined) clean++;
      else refused++;
      if (error !== undefined && (!(error instanceof CodedError) || !error.code.startsWith('MESH_'))) throw new Error(`case ${run}`, { cause: error });
      const order = frames.map((frame) => [frame[0] ?? 0, frame[1] ?? 0] as const);
      if (order.some(([path]) => path > 0)) moved++;
      if (!isInOrder(order, isHonest)) throw new Error(`case ${run}: ${JSON.stringify(order)}`);
    }
  }
  expect([streams > RUNS / 2, clean > RUNS / 10, refused > RUNS / 10, moved > RUNS / 20]).toEqual([true, true, true, true]);
});
