import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../base/index.ts';
import { AT, FLAG_MORE, FLAG_TRUNCATE, FrameType, HEADER_BYTES } from './constants.ts';
import { decodeFrame, encodeHeader, newSessionId, type FrameFields } from './frame.ts';
import { decodeReceipts, encodeReceipts, MAX_RECEIPTS_BYTES, RECEIPTS_PER_FRAME } from './receipts.ts';
import { controlBytes, readControl, SCHEMAS, type ControlType } from './schema.ts';
import { decodeSampled, decodeTokens, encodeSampled, encodeTokens } from './tokens.ts';

const address = { session: newSessionId(), stage: 3 };
const hidden: FrameFields = { type: FrameType.hidden, flags: FLAG_MORE | FLAG_TRUNCATE, dtype: 'f16', run: 4, position: 17, batch: 2, rows: 3, hiddenSize: 8, computeUs: 12, serialiseUs: 34, waitUs: 56 };
const rows = new Uint8Array(3 * 8 * 2).map((_, i) => i);
const frameOf = (fields: FrameFields, payload: Uint8Array): Buffer => Buffer.concat([encodeHeader(address, fields, payload), payload]);
const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeFrame(bytes, 'peer');
    return 'none';
  } catch (error) {
    return error instanceof CodedError ? error.code : `not coded: ${String(error)}`;
  }
};

describe('frames', () => {
  it('carry every field and the payload', () => {
    expect(decodeFrame(frameOf(hidden, rows), 'peer')).toEqual({ ...hidden, ...address, payload: Buffer.from(rows) });
  });

  it('carry rows in Q8, with as many scales as there are blocks', () => {
    const q8: FrameFields = { ...hidden, dtype: 'q8', rows: 2, hiddenSize: 33 };
    const payload = new Uint8Array(2 * (33 + 4)).fill(7);
    expect(decodeFrame(frameOf(q8, payload), 'peer')).toEqual({ ...q8, ...address, payload: Buffer.from(payload) });
  });

  it('with a dtype that nobody knows are refused', () => {
    const bad = frameOf(hidden, rows);
    bad[AT.dtype] = 4;
    const body = bad.subarray(HEADER_BYTES);
    bad.writeUInt32LE(crc32(bad.subarray(0, AT.checksum), crc32(body)), AT.checksum);
    expect(() => decodeFrame(bad, 'peer')).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_FRAME', message: expect.stringContaining('dtype 4') }));
  });

  it('carry tokens and samples exactly', () => {
    expect(decodeTokens(encodeTokens([0, -1, 2 ** 31 - 1]))).toEqual(Int32Array.of(0, -1, 2 ** 31 - 1));
    const sampled = { token: 7, logprob: -0.1234567890123, top: [{ token: 7, logprob: -0.1234567890123 }, { token: 9, logprob: -3.5 }] };
    expect(decodeSampled(encodeSampled(sampled))).toEqual(sampled);
  });

  it('carry receipts byte for byte, and nothing that is no list of them', () => {
    const receipts = Array.from({ length: RECEIPTS_PER_FRAME }, (_, i) => ({ body: new Uint8Array(i * 100).fill(i), signature: new Uint8Array(64).fill(200 - i) }));
    const payload = encodeReceipts(receipts);
    expect(decodeReceipts(payload, 'peer')).toEqual(receipts);
    expect(decodeReceipts(new Uint8Array(0), 'peer')).toEqual([]);
    const large = { body: new Uint8Array(4097), signature: new Uint8Array(64) };
    for (const bad of [payload.subarray(1), payload.subarray(0, -1), Buffer.concat([payload, Buffer.alloc(1)]), encodeReceipts([...receipts, ...receipts.slice(0, 1)]), encodeReceipts([large])]) {
      expect(() => decodeReceipts(bad, 'peer')).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_FRAME' }));
    }
  });

  it.each<[string, FrameFields, Uint8Array]>([
    ['a tensor shorter than its rows', hidden, rows.subarray(2)],
    ['a tensor of another element type', { ...hidden, dtype: 'f32' }, rows],
    ['a row in Q8 without its last value', { ...hidden, dtype: 'q8', rows: 1, hiddenSize: 40 }, new Uint8Array(43)],
    ['a row in Q8 without its second scale', { ...hidden, dtype: 'q8', rows: 1, hiddenSize: 40 }, new Uint8Array(42)],
    ['no rows', { ...hidden, rows: 0 }, new Uint8Array(0)],
    ['more rows than any batch', { ...hidden, rows: 5000, hiddenSize: 1 }, new Uint8Array(10_000)],
    ['a position beyond every context', { ...hidden, position: 2 ** 31 }, rows],
    ['a hidden size beyond every model', { ...hidden, rows: 1, hiddenSize: 70_000 }, new Uint8Array(140_000)],
    ['an unknown type', { type: 99 as FrameType }, new Uint8Array(0)],
    ['an unknown flag', { ...hidden, flags: 64 }, rows],
    ['a payload where there is none', { type: FrameType.ping }, rows],
    ['a control message that is too long', { type: FrameType.stats }, new Uint8Array(70_000)],
    ['more receipts than a frame takes', { type: FrameType.receipts }, new Uint8Array(MAX_RECEIPTS_BYTES + 1)],
    ['half a token', { type: FrameType.token }, new Uint8Array(13)],
    ['more alternatives than allowed', { type: FrameType.token }, new Uint8Array(12 * 66)],
  ])('with %s are refused', (_what, fields, payload) => {
    expect(codeOf(frameOf(fields, payload))).toBe('PIPELINE_BAD_FRAME');
  });

  it('with any bit turned over are refused', () => {
    const good = frameOf(hidden, rows);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(codeOf(bad)).toMatch(/^PIPELINE_BAD_(FRAME|CHECKSUM)$/);
    }
  });

  it('of random bytes are refused with a coded error (10,000 seeded cases)', () => {
    const anything = fc.uint8Array({ maxLength: 200 });
    const almost = fc.tuple(fc.uint8Array({ minLength: HEADER_BYTES, maxLength: 160 }), fc.nat(30)).map(([bytes, type]) => { bytes[0] = 1; bytes[1] = type; return bytes; });
    fc.assert(fc.property(fc.oneof(anything, almost), (bytes) => { expect(codeOf(bytes)).toMatch(/^PIPELINE_BAD_(FRAME|CHECKSUM)$/); }), { numRuns: 10_000, seed: 1 });
  });

  it('with a right checksum over any header decode within their limits or are refused (10,000 seeded cases)', () => {
    const u32 = fc.nat(0xffff_ffff);
    const fields = fc.record({ type: fc.nat(30), flags: fc.nat(5), dtype: fc.constantFrom(undefined, 'f16', 'f32', 'q8'), run: u32, position: u32, batch: u32, rows: fc.nat(6000), hiddenSize: fc.nat(70_000) });
    fc.assert(fc.property(fields, fc.uint8Array({ maxLength: 64 }), (any, payload) => {
      const bytes = frameOf(any as FrameFields, payload);
      const code = codeOf(bytes);
      expect(['none', 'PIPELINE_BAD_FRAME']).toContain(code);
      if (code !== 'none') return;
      const frame = decodeFrame(bytes, 'peer');
      expect(frame.rows).toBeLessThanOrEqual(4096);
      expect(frame.position).toBeLessThanOrEqual(1 << 20);
    }), { numRuns: 10_000, seed: 2 });
  });
});

describe('control messages', () => {
  const types = Object.keys(SCHEMAS).map(Number) as ControlType[];
  const read = (type: ControlType, payload: Uint8Array): string => {
    try {
      readControl(decodeFrame(frameOf({ type }, payload), 'peer'), type, 'peer');
      return 'none';
    } catch (error) {
      return error instanceof CodedError ? error.code : `not coded: ${String(error)}`;
    }
  };

  it('of anything are refused with a coded error (10,000 seeded cases)', () => {
    fc.assert(fc.property(fc.constantFrom(...types), fc.oneof(fc.json(), fc.string()), (type, text) => {
      expect(read(type, Buffer.from(text))).toBe('PIPELINE_BAD_MESSAGE');
    }), { numRuns: 10_000, seed: 3 });
  });

  it('are checked field by field', () => {
    const load = { modelHash: 'm', layers: { first: 0, last: 3 }, isFirst: true, isLast: false, contextTokens: 64, batchTokens: 8 };
    const of = (value: object): string => read(FrameType.load, Buffer.from(JSON.stringify(value)));
    expect(of(load)).toBe('none');
    for (const bad of [{ layers: { first: 3, last: 1 } }, { layers: { first: 0, last: 5000 } }, { contextTokens: 2 ** 40 }, { batchTokens: 0 }, { modelHash: '' }, { extra: 1 }]) expect(of({ ...load, ...bad })).toBe('PIPELINE_BAD_MESSAGE');
  });

  it('that would be too long are not sent', () => {
    expect(() => controlBytes(FrameType.error, { code: 'X', message: 'm', meta: { long: 'x'.repeat(70_000) }, retryable: false, fault: 'peer' })).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_OPTION' }));
  });
});
