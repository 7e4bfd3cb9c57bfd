import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src-main/base/index.ts';
import { asShardCid } from '../../src-main/base/index.ts';
import { LEAF_BYTES, leafCid, nodeCid, shardCidOf } from '../../src-main/store/index.ts';
import { decodeFrame, encodeFrame, ownHello, type BlockFrame } from '../../src-main/store/exchange/wire/codec.ts';
import { seeded } from '../support/models/index.ts';
import { casesOf } from './cases.ts';
import { mutate } from './mutate.ts';

const RUNS = casesOf(120_000);
const digest = Buffer.alloc(32, 7);
const leaf = shardCidOf(leafCid(digest));
const root = shardCidOf(nodeCid(digest));
const manifest = asShardCid('bafyr4ibgc2aqkbeyffdf26wxyjkghamczgs6jwuacmvd2tjhupblxwtvoi');

const SAMPLES: readonly BlockFrame[] = [
  ownHello('omninode', ['/ip4/127.0.0.1/tcp/4001']),
  { type: 'have', request: 1, cids: [root, leaf] },
  { type: 'holdings', request: 1, holdings: [{ held: 'none', sizeBytes: 0 }, { held: 'all', sizeBytes: 5 }, { held: Buffer.from([1, 2]), sizeBytes: 10 * LEAF_BYTES }] },
  { type: 'leaves', request: 2, cid: root, first: 0, count: 8192 },
  { type: 'hashes', request: 2, sizeBytes: 3 * LEAF_BYTES, first: 1, hashes: Buffer.alloc(64, 3) },
  { type: 'get', request: 3, cid: root, first: 2, count: 64 },
  { type: 'data', request: 3, leaf: 2, offset: 1000, bytes: Buffer.alloc(40, 9) },
  { type: 'cancel', request: 3, leaf: 4 },
  { type: 'refused', request: 3, leaf: 4, refusal: 'damaged' },
];
const bytesOf = (frame: BlockFrame): Buffer => Buffer.concat(encodeFrame(frame));

describe('frames of the block protocol', () => {
  it.each(SAMPLES.map((frame) => [frame.type, frame] as const))('come back as they went: %s', (_type, frame) => {
    expect(decodeFrame(bytesOf(frame), 'p')).toEqual(frame);
  });

  it('carry the CID of a manifest', () => {
    const frame: BlockFrame = { type: 'get', request: 9, cid: manifest, first: 0, count: 1 };
    expect(decodeFrame(bytesOf(frame), 'p')).toEqual(frame);
  });

  it(`answers ${RUNS} damaged ones with what the same bytes say or the peer's fault`, () => {
    const random = seeded(44);
    const before = process.memoryUsage().arrayBuffers;
    const kinds = new Set<string>();
    let refused = 0;
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutate(bytesOf(SAMPLES[run % SAMPLES.length]!), random);
      try {
        const frame = decodeFrame(bytes, 'p');
        kinds.add(frame.type);
        // What is accepted has one spelling only, so nothing of it was ignored; JSON has many.
        if (frame.type !== 'hello' && !bytesOf(frame).equals(bytes)) expect(bytesOf(frame)).toEqual(bytes);
      } catch (error) {
        if (!(error instanceof CodedError) || error.code !== 'EXCHANGE_BAD_FRAME' || error.fault !== 'peer') throw error;
        refused++;
      }
    }
    expect(kinds.size).toBe(SAMPLES.length);
    expect(refused).toBeGreaterThan(RUNS / 4);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
