import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asPeerId, type CodedError } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import { FrameInbox } from './frame-inbox.ts';

function inbox(maxQueuedFrames = 4) {
  const heard = { received: 0, refused: [] as string[], aborted: [] as CodedError[] };
  const made: FrameInbox = new FrameInbox({
    peer: asPeerId('p'), protocol: '/x', limits: { maxFrameBytes: 10, maxQueuedFrames, maxInboundStreams: 1, maxOutboundStreams: 1 },
    traffic: { sent: () => undefined, received: (bytes) => { heard.received += bytes; }, refused: (code) => void heard.refused.push(code) },
  }, (error) => { heard.aborted.push(error); made.drop(error); made.finish(); });
  return { made, heard };
}

const frame = (value: number): Uint8Array => Uint8Array.of(value);
const reason = new RangeError('enough');

async function readAll(made: FrameInbox): Promise<number[]> {
  const all: number[] = [];
  for (let read = await made.next(); read.done !== true; read = await made.next()) all.push(read.value[0] ?? -1);
  return all;
}

describe('FrameInbox', () => {
  it('gives what came in order, then ends; with an error, after what was read', async () => {
    const { made, heard } = inbox();
    expect([1, 2, 3].map((value) => made.receive(frame(value)))).toEqual([true, true, true]);
    made.end();
    expect(await readAll(made)).toEqual([1, 2, 3]);
    expect(heard).toEqual({ received: 3, refused: [], aborted: [] });
    made.finish();
    expect(await made.closed).toBeUndefined();
    const lost = inbox().made;
    lost.receive(frame(7));
    lost.finish(reason);
    expect(await lost.next()).toEqual({ done: false, value: frame(7) });
    await expect(lost.next()).rejects.toBe(reason);
    expect(await lost.closed).toBe(reason);
  });

  it('refuses more than may wait, which is the peer’s fault, counts it, and takes nothing afterwards', async () => {
    const { made, heard } = inbox(2);
    expect([1, 2, 3, 4].map((value) => made.receive(frame(value)))).toEqual([true, true, false, false]);
    expect(heard).toMatchObject({ received: 3, refused: ['MESH_QUEUE_OVERFLOW'], aborted: [{ code: 'MESH_QUEUE_OVERFLOW', fault: 'peer', meta: { peer: 'p', protocol: '/x', limitFrames: 2 } }] });
    // An abort does not wait until somebody has read what came.
    await expect(made.next()).rejects.toMatchObject({ code: 'MESH_QUEUE_OVERFLOW' });
    expect(await made.closed).toMatchObject({ code: 'MESH_QUEUE_OVERFLOW' });
  });

  it('keeps the first reason, and settles once', async () => {
    const { made } = inbox();
    made.fail(reason);
    made.drop(new RangeError('later'));
    made.finish(made.lost());
    made.finish(new RangeError('much later'));
    expect([made.failure, made.isDropped, made.isGone]).toEqual([reason, true, true]);
    expect(await made.closed).toBe(reason);
    expect(inbox().made.lost(reason)).toMatchObject({ code: 'MESH_CONNECTION_LOST', meta: { peer: 'p' }, cause: reason });
  });

  it('lets a sender wait until there is room, looks again when woken, and throws what the stream ended with', async () => {
    const { made } = inbox();
    let full = 2;
    const order: string[] = [];
    const waiting = made.room(() => { order.push(`full ${full}`); return full > 0; }).then(() => order.push('sent'));
    full = 1;
    made.wakeSender();
    await Promise.resolve();
    await Promise.resolve();
    full = 0;
    made.wakeSender();
    await waiting;
    expect(order).toEqual(['full 2', 'full 1', 'full 0', 'sent']);
    await made.room(() => false);
    const stuck = made.room(() => true);
    made.finish(reason);
    await expect(stuck).rejects.toBe(reason);
    await expect(made.room(() => true)).rejects.toBe(reason);
    const clean = inbox().made;
    const over = clean.room(() => true);
    clean.finish();
    await over;
  });

  it('loses and repeats nothing within its bound, whoever is first', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), async (steps, bound) => {
      const { made, heard } = inbox(bound);
      const reads: Array<Promise<IteratorResult<Uint8Array>>> = [];
      let [sent, waiting, isOver] = [0, 0, false];
      for (const isSend of steps) {
        if (isSend) {
          const isTaken = made.receive(frame(sent));
          expect(isTaken).toBe(!isOver && waiting < bound);
          if (!isTaken) isOver = true;
          else [sent, waiting] = [sent + 1, waiting + 1];
        } else if (waiting > 0 && !isOver) {
          reads.push(made.next());
          waiting--;
        }
      }
      expect((await Promise.all(reads)).map(({ value }) => (value as Uint8Array)[0])).toEqual(reads.map((_, index) => index));
      expect(heard.aborted.length).toBe(Number(isOver));
      if (!isOver) {
        made.end();
        expect(await readAll(made)).toEqual(Array.from({ length: waiting }, (_, index) => reads.length + index));
      } else await expect(made.next()).rejects.toMatchObject({ code: 'MESH_QUEUE_OVERFLOW' });
    }), { seed: 2, numRuns: 300 });
  });

  it('says where it was', () => {
    expect(meshErrors.streamEnded(inbox().made.where()).message).toBe('Our side of the /x stream to peer p has ended.');
  });
});
