import { crc32 } from 'node:zlib';
import { CID } from 'multiformats/cid';
import { describe, expect, test } from 'vitest';
import { asPeerId, RateLimiter, systemClock } from '../../src-main/base/index.ts';
import { loadIdentity } from '../../src-main/mesh/identity/identity.ts';
import { decodeIntroduction, encodeIntroduction } from '../../src-main/mesh/protocols/identify/schema.ts';
import { FrameDecoder } from '../../src-main/mesh/streams/frame-decoder.ts';
import { newKnock, openKnock } from '../../src-main/mesh/zone/knock.ts';
import { newZoneKey } from '../../src-main/mesh/zone/zone-key.ts';
import { AT, FRAME_VERSION, FrameType, HEADER_BYTES } from '../../src-main/pipeline/wire/constants.ts';
import { decodeFrame, encodeHeader, newSessionId, type FrameFields } from '../../src-main/pipeline/wire/frame.ts';
import { decodeReceipts } from '../../src-main/pipeline/wire/receipts.ts';
import { readControl, SCHEMAS, type ControlType } from '../../src-main/pipeline/wire/schema.ts';
import { decodeSampled, decodeTokens } from '../../src-main/pipeline/wire/tokens.ts';
import { decodeAnnouncement, decodeBitswapMessage, encodeAnnouncement, encodeBitswapBlock, encodeBitswapPresences, encodeBitswapWants } from '../../src-main/store/index.ts';
import type { BlockStream } from '../../src-main/store/exchange/ports.ts';
import { answerForProviders, askForProviders } from '../../src-main/store/providers/question.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { tried as triedRuns } from './tried.ts';

const RUNS = casesOf(8_000);
const PEER = asPeerId('12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq');
const SHARD = 'bafyr4ibgc2aqkbeyffdf26wxyjkghamczgs6jwuacmvd2tjhupblxwtvoi';
const ADDRESS = `/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const tried = (samples: readonly Buffer[], seed: number, read: (bytes: Buffer) => unknown): Promise<number> => triedRuns({ samples, seed, runs: RUNS }, read);

describe(`${RUNS} damaged frames of each protocol are what they say or the peer's fault`, () => {
  const address = { session: newSessionId(), stage: 1 };
  const framed = (fields: FrameFields, payload: Uint8Array): Buffer => Buffer.concat([encodeHeader(address, fields, payload), payload]);
  const hidden: FrameFields = { type: FrameType.hidden, dtype: 'f16', run: 1, position: 4, batch: 1, rows: 2, hiddenSize: 8 };
  const controls = Object.keys(SCHEMAS).map(Number) as ControlType[];
  const load = { modelHash: 'm', layers: { first: 0, last: 3 }, isFirst: true, isLast: false, contextTokens: 64, batchTokens: 8 };
  const stageFrames = [framed(hidden, new Uint8Array(32)), framed({ type: FrameType.tokens, rows: 4 }, new Uint8Array(16)), framed({ type: FrameType.token }, new Uint8Array(12)), framed({ type: FrameType.receipts }, new Uint8Array(80)),
    framed({ type: FrameType.load }, json(load)), framed({ type: FrameType.error }, json({ code: 'X', message: 'm', meta: {}, retryable: false, fault: 'peer' })), ...controls.map((type) => framed({ type }, json({})))];

  /** The checksum is no defence: whoever damages a frame can make it right. */
  function sealed(bytes: Buffer): Buffer {
    if (bytes.length < HEADER_BYTES) return bytes;
    bytes[AT.version] = FRAME_VERSION;
    const payload = bytes.subarray(HEADER_BYTES);
    bytes.writeUInt32LE(payload.length, AT.payloadBytes);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, AT.checksum), crc32(payload)), AT.checksum);
    return bytes;
  }

  test('/omni/stage/1.0.0', async () => {
    const refused = await tried(stageFrames, 1, (bytes) => {
      const frame = decodeFrame(sealed(bytes), PEER);
      if (frame.type in SCHEMAS) readControl(frame, frame.type as ControlType, PEER);
      if (frame.type === FrameType.receipts) decodeReceipts(frame.payload, PEER);
      if (frame.type === FrameType.token) decodeSampled(frame.payload);
      if (frame.type === FrameType.tokens) decodeTokens(frame.payload);
    });
    expect(refused).toBeGreaterThan(RUNS / 4);
    expect(refused).toBeLessThan(RUNS);
  });

  test('/omni-node/0.1.0 (introductions)', async () => {
    const samples = [encodeIntroduction({ agent: 'omninode', version: '0.1.0', protocols: ['/omni/stage/1.0.0', '/omni-node/ping/1.0.0'] })].map((bytes) => Buffer.from(bytes));
    let read = 0;
    await tried(samples, 2, (bytes) => {
      const introduction = decodeIntroduction(bytes);
      if (introduction === undefined) return;
      read++;
      expect(introduction.agent).toMatch(/^[\x20-\x7e]{0,100}$/);
      expect(introduction.protocols.length).toBeLessThanOrEqual(64);
    });
    expect(read).toBeLessThan(RUNS);
  });

  test('/ipfs/bitswap/1.2.0', async () => {
    const cid = CID.parse(SHARD);
    const samples = [encodeBitswapWants([{ cid, kind: 'block', isCancel: false, wantsRefusal: true }, { cid, kind: 'have', isCancel: false, wantsRefusal: false }]), Buffer.concat(encodeBitswapBlock(cid, new Uint8Array(40))), encodeBitswapPresences([{ cid, isHere: true }])];
    expect(await tried(samples.map((bytes) => Buffer.from(bytes)), 3, (bytes) => decodeBitswapMessage(bytes, PEER))).toBeGreaterThan(0);
  });

  /** One frame from the other side, then its end. */
  const streamOf = (frame: Buffer): BlockStream & { error: Error | undefined } => {
    let isRead = false;
    const stream = {
      peer: PEER, protocol: 'x', error: undefined as Error | undefined, closed: Promise.resolve(undefined),
      send: () => Promise.resolve(), close: () => Promise.resolve(), abort: (error: Error) => { stream.error = error; },
      [Symbol.asyncIterator]: () => ({ next: () => { const done = isRead; isRead = true; return Promise.resolve(done ? { done: true as const, value: undefined } : { done: false as const, value: new Uint8Array(frame) }); } }),
    };
    return stream;
  };

  test('/omni/providers/1.0.0, questions and answers', async () => {
    const answer = json({ version: 1, providers: [{ peer: PEER, addresses: [ADDRESS], has: [0], ttl_s: 60 }] });
    const answers = await tried([answer], 4, (bytes) => askForProviders(streamOf(bytes), { cids: [SHARD] }));
    expect(answers).toBeGreaterThan(RUNS / 8);
    const rate = new RateLimiter({ perSecond: 1e9, burst: 1e9 }, systemClock);
    const questions = await tried([json({ version: 1, cids: [SHARD] })], 5, async (bytes) => {
      const stream = streamOf(bytes);
      await answerForProviders(stream, { rate, providers: () => [] });
      if (stream.error !== undefined) throw stream.error;
    });
    expect(questions).toBeGreaterThan(RUNS / 8);
  });

  test('omni/shard/v1 (announcements)', async () => {
    const sample = Buffer.from(encodeAnnouncement({ at: 1, ttlMs: 60_000, addresses: [ADDRESS], nodeAddresses: [ADDRESS], models: [{ manifest: SHARD, pieces: Buffer.of(7) }], shards: [SHARD], gone: [] }));
    expect(await tried([sample], 6, (bytes) => decodeAnnouncement(bytes, PEER))).toBeGreaterThan(RUNS / 4);
  });

  test('knocks: none that is damaged is one', async () => {
    const [key, listener] = [newZoneKey(), PEER];
    const good = Buffer.from((await newKnock({ privateKey: await loadIdentity({ kind: 'ephemeral' }), key, listener }, 1)).bytes);
    let opened = 0;
    expect(await tried([good], 7, async (bytes) => { if (!bytes.equals(good) && (await openKnock(bytes, { key, listener })) !== undefined) opened++; })).toBe(0);
    expect(opened).toBe(0);
    expect(await openKnock(good, { key, listener })).toBeDefined();
  });
});

test(`${RUNS} streams of bytes, cut anywhere, give the frames that are in them or one refusal, and hold no more than they were sent`, () => {
  const random = seeded(8);
  const before = process.memoryUsage().arrayBuffers;
  for (let run = 0; run < RUNS; run++) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 64) }, () => (random() < 0.7 ? 0 : Math.floor(random() * 256))));
    let [frames, refusals, sizeBytes] = [0, 0, 0];
    const decoder = new FrameDecoder(1024 * 1024, { onFrame: (frame) => { frames++; sizeBytes += frame.byteLength; return true; }, onTooLong: () => { refusals++; } }, { lengthPrefix: run % 2 === 0 ? 'u32' : 'varint' });
    for (let at = 0; at < bytes.length;) {
      const next = at + 1 + Math.floor(random() * 8);
      decoder.push(bytes.subarray(at, next));
      at = next;
    }
    if (refusals > 1 || sizeBytes > bytes.length || frames > bytes.length) expect({ refusals, sizeBytes, frames, bytes }).toBeUndefined();
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 1024 * 1024);
});
