import type { Ed25519PrivateKey, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noMetrics, RateLimiter, silentLogger, systemClock, type Metrics } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { createSigner } from '../identity/signature.ts';
import { createMeshLibp2p, type MeshLibp2p } from '../node/create-libp2p.ts';
import { ALIVE_PROTOCOL } from '../protocols/alive/constants.ts';
import { askCapability } from '../protocols/capability/client.ts';
import { CAPABILITY_LIMITS, CAPABILITY_PROTOCOL } from '../protocols/capability/constants.ts';
import { encodeAnswer, encodeQuestion } from '../protocols/capability/schema.ts';
import { serveCapability } from '../protocols/capability/server.ts';
import { profileOf } from '../testing/capability.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import { publishRpc } from '../testing/pubsub-message.ts';
import type { Mesh } from '../types.ts';
import { seal, type CapabilityMessage } from './message.ts';
import { AUTHOR_RATE, CAPABILITY_TOPIC, MAX_SKEW_MS } from './options.ts';
import { Presence } from './presence.ts';

const nodes = new TestNodes();
const rogueKey = await loadIdentity({ kind: 'ephemeral' });
const honestKey = await loadIdentity({ kind: 'ephemeral' });
let rogue: MeshLibp2p;
let victim: Mesh;
let presence: Presence;
let gossip: Stream;
let counts: Record<string, number>;

const counting: Metrics = { ...noMetrics, counter: ({ name }) => ({ inc: ({ reason = '' } = {}) => void (name === 'omninode_capability_refusals_total' && (counts[reason] = (counts[reason] ?? 0) + 1)) }) };

beforeEach(async () => {
  counts = {};
  rogue = await createMeshLibp2p(rogueKey, { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'rogue/1' });
  victim = await nodes.start();
  presence = new Presence({ mesh: victim, profile: () => profileOf('victim'), logger: silentLogger, metrics: counting, clock: systemClock });
  await presence.start();
  await rogue.start();
  gossip = await (await rogue.dial(multiaddr(addressOf(victim)))).newStream('/meshsub/1.2.0');
});
afterEach(async () => {
  await rogue.stop();
  await presence.stop();
  await nodes.stop();
});

const now = Date.now();
type Told = Partial<Pick<CapabilityMessage, 'peer' | 'run' | 'seq' | 'at'>> & { readonly kind?: 'bye' };
const signerOf = createSigner;
async function sealed(told: Told = {}, key: Ed25519PrivateKey = rogueKey): Promise<Uint8Array> {
  const signer = signerOf(key);
  const stamp = { peer: signer.peerId, run: now - 1000, seq: 1, at: now, ttlMs: 13_000, ...told };
  return (await seal(told.kind === 'bye' ? { ...stamp, kind: 'bye' } : { ...stamp, kind: 'ad', profile: profileOf(`ad ${stamp.seq}`) }, signer)).bytes;
}
/** As gossip of its author; libp2p's own signature is right. */
const publish = async (data: Uint8Array, key: Ed25519PrivateKey = rogueKey): Promise<void> => void gossip.send(await publishRpc({ author: key.publicKey, signer: key, topic: CAPABILITY_TOPIC, data }));
/** After a round trip on the same connection all that was sent before has been dealt with. */
async function settled(): Promise<void> {
  const joined = presence.member(signerOf(endKey).peerId) === undefined ? presence.events.once('peer:joined', { accept: ({ peer }) => peer === signerOf(endKey).peerId, signal: AbortSignal.timeout(20_000) }) : undefined;
  await publish(await sealed({}, endKey), endKey);
  await joined;
}
const endKey = await loadIdentity({ kind: 'ephemeral' });
const namesOf = (): (string | undefined)[] => presence.members().map(({ profile }) => profile.name).filter((name) => name !== 'ad 1').toSorted();
const isMember = (key: Ed25519PrivateKey): boolean => presence.member(signerOf(key).peerId) !== undefined;

describe('on the topic', () => {
  test('an honest ad of a stranger counts, so the next tests mean something', async () => {
    await publish(await sealed());
    await settled();
    expect([isMember(rogueKey), counts]).toEqual([true, {}]);
  });

  test('an ad of another in one’s own name, and in another’s name, are forged', async () => {
    await publish(await sealed({}, honestKey));
    await publish(await sealed({ peer: signerOf(honestKey).peerId }));
    await settled();
    expect([isMember(honestKey), isMember(rogueKey), counts]).toEqual([false, false, { CAPABILITY_FORGED: 2 }]);
  });

  test('a replay makes no ghost: not after the farewell, not of what is older', async () => {
    const [first, second, bye] = [await sealed({ seq: 1 }, honestKey), await sealed({ seq: 2 }, honestKey), await sealed({ seq: 3, kind: 'bye' }, honestKey)];
    // Its gossip signature is fresh, as if its author's key had signed old words anew: only the order can tell.
    for (const data of [first, second, first]) await publish(data, honestKey);
    await settled();
    expect([namesOf(), counts]).toEqual([['ad 2'], { CAPABILITY_REPLAYED: 1 }]);
    for (const data of [bye, second, first]) await publish(data, honestKey);
    await publish(await sealed({ seq: 2 }));
    await presence.events.once('peer:joined', { accept: ({ peer }) => peer === signerOf(rogueKey).peerId });
    expect([isMember(honestKey), presence.isGone(signerOf(honestKey).peerId), counts]).toEqual([false, true, { CAPABILITY_REPLAYED: 1, CAPABILITY_LEFT: 2 }]);
  });

  test('clocks that are far off are refused, each side with its own code', async () => {
    await publish(await sealed({ run: 1, at: now - MAX_SKEW_MS - 60_000 }));
    await publish(await sealed({ at: now + MAX_SKEW_MS + 60_000 }));
    await settled();
    expect([isMember(rogueKey), counts]).toEqual([false, { CAPABILITY_CLOCK_BEHIND: 1, CAPABILITY_CLOCK_AHEAD: 1 }]);
  });

  test('what is too large, no message or of another major version is refused', async () => {
    await publish(new Uint8Array(20_000));
    await publish(Buffer.from('x'.repeat(100)));
    const body = Buffer.from(JSON.stringify({ version: '2.0' }));
    await publish(Buffer.concat([new Uint8Array(64), body]));
    await settled();
    // The mesh itself counts the first: it is over the topic's limit.
    expect(counts).toEqual({ CAPABILITY_INVALID: 1, CAPABILITY_VERSION_UNKNOWN: 1 });
  });

  test('a flood of one author is cut, others are heard', async () => {
    for (let seq = 1; seq <= AUTHOR_RATE.burst + 10; seq++) await publish(await sealed({ seq }));
    await settled();
    expect(counts['CAPABILITY_FLOODED']).toBeGreaterThan(0);
    expect(isMember(endKey)).toBe(true);
  });
});

const framed = (frame: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(frame.byteLength);
  return Buffer.concat([head, frame]);
};
/** How the victim ends a stream on which this was sent. */
async function endOf(bytes: Uint8Array, protocol = CAPABILITY_PROTOCOL): Promise<{ readonly name: string; readonly received: number }> {
  const stream = await rogue.getConnections()[0]!.newStream(protocol);
  let received = 0;
  stream.addEventListener('message', ({ data }) => { received += data.byteLength; });
  const closed = Promise.withResolvers<string>();
  stream.addEventListener('close', ({ error }) => closed.resolve(error?.name ?? 'cleanly'));
  stream.send(bytes);
  void stream.close().catch(() => undefined);
  return { name: await closed.promise, received };
}

test.each<[string, Uint8Array, string]>([
  ['signs', Buffer.concat([framed(Buffer.from([0xd0, 7])), framed(Buffer.from([0xd0, 7]))]), 'cleanly'], ['one too long', framed(new Uint8Array(3)), 'StreamResetError'],
  ['one too short', framed(new Uint8Array(1)), 'StreamResetError'], ['one that promises the next in a minute', framed(Buffer.from([0x60, 0xea])), 'StreamResetError'], ['one that promises a thousand a second', framed(Buffer.from([1, 0])), 'StreamResetError'],
])('a stream of signs of life with %s', async (_, bytes, end) => {
  expect((await endOf(bytes, ALIVE_PROTOCOL)).name).toBe(end);
  expect((await endOf(framed(encodeQuestion({ version: 1, after: '' })))).name).toBe('cleanly');
});

describe('on request', () => {
  test('a question is answered, also when nothing is known', async () => {
    expect(await endOf(framed(encodeQuestion({ version: 1, peers: [victim.peerId] })))).toMatchObject({ name: 'cleanly', received: expect.any(Number) });
    expect(await endOf(framed(encodeQuestion({ version: 1, peers: ['nobody'] })))).toEqual({ name: 'cleanly', received: 4 });
  });

  test.each<[string, Uint8Array]>([
    ['no question', framed(Buffer.from('{"version":1}'))], ['too much', framed(new Uint8Array(CAPABILITY_LIMITS.maxFrameBytes + 1))], ['garbage', Buffer.alloc(64, 0xff)],
  ])('%s ends that stream and no other', async (_, bytes) => {
    expect((await endOf(bytes)).name).toBe('StreamResetError');
    expect((await endOf(framed(encodeQuestion({ version: 1, after: '' })))).name).toBe('cleanly');
  });

  test('more questions than are answered end their streams', async () => {
    const far = await nodes.start();
    const rate = new RateLimiter({ perSecond: 0.001, burst: 1 }, systemClock);
    const ends: unknown[] = [];
    await far.handle(CAPABILITY_PROTOCOL, CAPABILITY_LIMITS, (stream) => void serveCapability(stream, { rate, told: () => [] }));
    const peer = await victim.dial(addressOf(far));
    for (const _ of [1, 2]) {
      const stream = await victim.open(peer, CAPABILITY_PROTOCOL, { limits: CAPABILITY_LIMITS });
      ends.push(await askCapability(stream, { version: 1, after: '' }, AbortSignal.timeout(20_000)).catch((error: unknown) => (error as { code: string }).code));
    }
    // The one that the node itself asked when it was met may have been the first.
    expect(ends.at(-1)).toBe('MESH_STREAM_CLOSED_BY_PEER');
  });

  test('a neighbour’s lies are counted, and make no member', async () => {
    const liar = await nodes.start();
    const stale = await sealed({ run: 1, at: now - MAX_SKEW_MS - 60_000 }, honestKey);
    const tampered = Uint8Array.from(await sealed({ seq: 9 }, endKey));
    tampered[100] = (tampered[100] ?? 0) ^ 1;
    const asked = Promise.withResolvers<void>();
    await liar.handle(CAPABILITY_PROTOCOL, CAPABILITY_LIMITS, (stream) => void (async () => {
      await stream.send(encodeAnswer([[{ bytes: stale, leftMs: 13_000 }], [{ bytes: tampered, leftMs: 13_000 }], [{ bytes: await sealed(), leftMs: 13_000 }]]));
      await stream.close();
      asked.resolve();
    })());
    await victim.dial(addressOf(liar));
    await asked.promise;
    await expect.poll(() => Object.keys(counts).toSorted(), { timeout: 20_000 }).toEqual([expect.stringMatching(/^CAPABILITY_CLOCK_BEHIND$/), expect.stringMatching(/^CAPABILITY_(FORGED|INVALID)$/)]);
    expect([isMember(honestKey), isMember(endKey), isMember(rogueKey)]).toEqual([false, false, false]);
  });
});
