import { afterEach, describe, expect, it } from 'vitest';
import { asPeerId, RateLimiter, systemClock } from '../../src-main/base/index.ts';
import type { FrameStream } from '../../src-main/mesh/index.ts';
import { TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { answerForProviders, askForProviders, leafCid, PROVIDERS_LIMITS, PROVIDERS_PROTOCOL, PROVIDERS_QUESTION_RATE, type ToldProvider } from '../../src-main/store/index.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

const cids = Array.from({ length: 100 }, (_, n) => leafCid(new Uint8Array(32).fill(n)).toString());
const told = (peer: string, has: readonly string[], addresses = [`/ip4/127.0.0.1/tcp/1/p2p/${peer}`]): ToldProvider => ({ peer: asPeerId(peer), addresses, cids: has, ttlMs: 60_000 });

/** A node that answers as it is told to, and how to ask it. */
async function asking(answer: (stream: FrameStream) => void) {
  const { near, far, peer } = await nodes.pair();
  await far.handle(PROVIDERS_PROTOCOL, PROVIDERS_LIMITS, answer);
  const open = (): Promise<FrameStream> => near.open(peer, PROVIDERS_PROTOCOL, { limits: PROVIDERS_LIMITS });
  return { open, ask: async (wanted: readonly string[] = cids.slice(0, 3)) => askForProviders(await open(), { cids: wanted }) };
}

const honest = (providers: readonly ToldProvider[]) => {
  const rate = new RateLimiter(PROVIDERS_QUESTION_RATE, systemClock);
  return (stream: FrameStream): void => void answerForProviders(stream, { rate, providers: (asked) => providers.map((one) => ({ ...one, cids: one.cids.filter((cid) => asked.includes(cid)) })) });
};

/** Answers every question with these bytes. */
const saying = (answer: object | string) => (stream: FrameStream): void => void (async () => {
  await stream[Symbol.asyncIterator]().next();
  await stream.send(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)));
  await stream.close();
})().catch(() => undefined);

describe('who has it', () => {
  it('is told for what was asked', async () => {
    const { ask } = await asking(honest([told('a', [cids[0]!, cids[2]!]), told('b', [cids[1]!]), told('c', [cids[90]!])]));
    expect(await ask()).toEqual([told('a', [cids[0]!, cids[2]!]), told('b', [cids[1]!])]);
    // As much as goes into one question.
    expect(await ask(cids)).toEqual([told('a', [cids[0]!, cids[2]!]), told('b', [cids[1]!])]);
  });

  it('fits into a frame, however much is known', async () => {
    const long = Array.from({ length: 8 }, (_, n) => `/dns4/${'x'.repeat(200)}/tcp/${n}`);
    const { ask } = await asking(honest(Array.from({ length: 200 }, (_, n) => told(`peer-${n}`, cids.slice(0, 3), long.map((address) => `${address}/p2p/peer-${n}`)))));
    const answer = await ask();
    expect(answer.length).toBeGreaterThan(10);
    expect(answer[0]).toMatchObject({ peer: 'peer-0', cids: cids.slice(0, 3) });
  });

  const good = { peer: 'a', addresses: ['/ip4/127.0.0.1/tcp/1/p2p/a'], has: [0], ttl_s: 1 };
  it.each([
    ['nonsense', '{'], ['another version', { version: 2, providers: [] }], ['too many', { version: 1, providers: Array(65).fill(good) }],
    ['a place beyond the question', { version: 1, providers: [{ ...good, has: [64] }] }], ['no address', { version: 1, providers: [{ ...good, addresses: [] }] }], ['a field more', { version: 1, providers: [{ ...good, x: 1 }] }],
  ])('is not taken from who answers %s', async (_what, answer) => {
    const { ask } = await asking(saying(answer));
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDERS_BAD_ANSWER', fault: 'peer' });
  });

  it('leads nobody to an address of a third', async () => {
    const { ask } = await asking(saying({ version: 1, providers: [{ ...good, addresses: ['/ip4/127.0.0.1/tcp/1/p2p/b'] }, { ...good, has: [63] }, good] }));
    expect(await ask()).toEqual([{ peer: 'a', addresses: good.addresses, cids: [cids[0]], ttlMs: 1000 }]);
  });

  it('is not told to who asks wrongly or too often', async () => {
    const { open, ask } = await asking(honest([told('a', cids)]));
    for (const question of ['{', JSON.stringify({ version: 1, cids: [] }), JSON.stringify({ version: 1, cids: ['no cid'] }), JSON.stringify({ version: 1, cids })]) {
      const stream = await open();
      await stream.send(Buffer.from(question));
      expect(await stream.closed).toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
    }
    const answers = await Promise.allSettled(Array.from({ length: 60 }, async (_, n) => { for (let turn = 0; turn <= n % 8; turn++) await Promise.resolve(); return ask(); }));
    expect(answers.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  });
});
