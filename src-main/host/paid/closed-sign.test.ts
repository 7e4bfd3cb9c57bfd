import { expect, test } from 'vitest';
import { FUZZ_PEER } from '../../../test/fuzz/scripted-stream.ts';
import { AnsweredStream } from '../../../test/support/pay-server.ts';
import { silentLogger } from '../../base/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { hangClosedSign } from './closed-sign.ts';
import { decodeSay, encode } from './wire.ts';

async function hung() {
  let handler: ((stream: FrameStream) => void) | undefined;
  const off = await hangClosedSign({ handle: (_protocol, _limits, given) => {
    handler = given;
    return Promise.resolve(() => { handler = undefined; });
  } }, silentLogger);
  return { off, isHung: () => handler !== undefined, ask: async (stream: AnsweredStream) => {
    handler?.(stream);
    await stream.answered;
    return stream.sent.map((frame) => decodeSay(frame, FUZZ_PEER));
  } };
}

test.each([{ what: 'a question', frames: [encode({ ask: 'offer' })] }, { what: 'what is none', frames: [Uint8Array.of(0xff)] }, { what: 'nothing', frames: [] }])('says to $what that it may be asked again later', async ({ frames }) => {
  const { ask } = await hung();
  expect(await ask(new AnsweredStream(frames))).toMatchObject([{ say: 'no', code: 'PAY_UNAVAILABLE', again: true }]);
});

test('lets go of who is gone, stays for the next one, and is taken down', async () => {
  const { ask, off, isHung } = await hung();
  const lost = new AnsweredStream([Promise.reject(new Error('reset'))]);
  expect([await ask(lost), lost.error]).toMatchObject([[], { message: expect.stringContaining('reset') }]);
  expect(await ask(new AnsweredStream([encode({ ask: 'offer' })]))).toHaveLength(1);
  off();
  expect(isHung()).toBe(false);
});
