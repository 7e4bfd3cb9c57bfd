import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCoded } from '../../base/index.ts';
import { leafCid, nodeCid } from '../dag/index.ts';
import { decodeMessage, encodeBlock, encodePresences, encodeWants, type Want } from './message.ts';

const cids = fc.uint8Array({ minLength: 32, maxLength: 32 }).chain((hash) => fc.constantFrom(leafCid(hash), nodeCid(hash), CID.createV1(0x71, Digest.create(0x12, hash)), CID.createV0(Digest.create(0x12, hash))));
const wants = fc.array(fc.record({ cid: cids, kind: fc.constantFrom<Want['kind']>('block', 'have'), isCancel: fc.boolean(), wantsRefusal: fc.boolean() }), { maxLength: 20 });
const plain = (of: readonly { readonly cid: CID }[]): unknown[] => of.map(({ cid, ...rest }) => ({ ...rest, cid: cid.toString() }));
const leaf = leafCid(new Uint8Array(32).fill(7));

describe('a message', () => {
  it('says what was put in', () => {
    fc.assert(fc.property(wants, (all) => { expect(plain(decodeMessage(encodeWants(all), 'p').wants)).toEqual(plain(all)); }));
    fc.assert(fc.property(cids, fc.uint8Array({ maxLength: 300 }), (cid, data) => {
      const { blocks: [block] } = decodeMessage(Buffer.concat(encodeBlock(cid, data)), 'p');
      expect({ ...block, data: Buffer.from(block!.data) }).toEqual({ codec: cid.code, hash: cid.multihash.code, digestBytes: 32, data: Buffer.from(data) });
    }));
    fc.assert(fc.property(fc.array(fc.record({ cid: cids, isHere: fc.boolean() })), (all) => { expect(plain(decodeMessage(encodePresences(all), 'p').presences)).toEqual(plain(all)); }));
  });

  it('looks as the specification has it', () => {
    const bytes = Buffer.from(leaf.bytes).toString('hex');
    // wantlist { entries { cid, priority: 1, wantType: Have, sendDontHave: true } }
    expect(Buffer.from(encodeWants([{ cid: leaf, kind: 'have', isCancel: false, wantsRefusal: true }])).toString('hex')).toBe(`0a2e0a2c0a24${bytes}100120012801`);
    // payload { prefix: 1, raw, BLAKE3, 32; data: "ab" }
    expect(Buffer.concat(encodeBlock(leaf, Buffer.from('ab'))).toString('hex')).toBe('1a0a0a0401551e2012026162');
    // blockPresences { cid, type: DontHave }
    expect(Buffer.from(encodePresences([{ cid: leaf, isHere: false }])).toString('hex')).toBe(`22280a24${bytes}1001`);
    // wantlist { full: true }
    expect(decodeMessage(Buffer.from('0a021001', 'hex'), 'p')).toEqual({ isFull: true, wants: [], blocks: [], presences: [] });
  });

  it('may have fields that came with later versions', () => {
    const later = Buffer.from('28013201613d00000000410000000000000000', 'hex');
    expect(decodeMessage(Buffer.concat([encodeWants([{ cid: leaf, kind: 'block', isCancel: true, wantsRefusal: false }]), later]), 'p').wants).toMatchObject([{ isCancel: true }]);
  });
});

describe('what is no message', () => {
  it.each([
    ['cut off', '0a2e0a2c'], ['a want without a CID', '0a040a021001'], ['what is no CID', '0a060a040a020101'], ['a CID that is too long', `0a87010a84010a8101${'01'.repeat(129)}`],
    ['a block without a prefix', '1a03120161'], ['a prefix of three numbers', '1a050a0301551e'], ['a presence without a CID', '22021001'], ['a group', '0b0c'], ['a wantlist that is a number', '0801'], ['a number of endless bytes', 'ff'.repeat(20)],
  ])('is refused: %s', (_, hex) => {
    expect(() => decodeMessage(Buffer.from(hex, 'hex'), 'p')).toThrow(expect.objectContaining({ code: 'BITSWAP_BAD_MESSAGE', fault: 'peer', meta: expect.objectContaining({ peer: 'p' }) }));
  });

  it('is refused when it has more than fits', () => {
    const many = Array.from({ length: 4097 }, () => ({ cid: leaf, kind: 'block' as const, isCancel: false, wantsRefusal: false, isHere: true }));
    const block = Buffer.concat(encodeBlock(leaf, new Uint8Array(1)));
    for (const bytes of [encodeWants(many), encodePresences(many), Buffer.concat(many.map(() => block))]) {
      expect(() => decodeMessage(bytes, 'p')).toThrow(expect.objectContaining({ code: 'BITSWAP_FLOODED' }));
    }
    expect(decodeMessage(encodeWants(many.slice(1)), 'p').wants).toHaveLength(4096);
  });

  it('is refused, or read, whatever the bytes: nothing else is thrown', () => {
    const valid = Buffer.concat([encodeWants([{ cid: leaf, kind: 'have', isCancel: true, wantsRefusal: true }]), encodePresences([{ cid: leaf, isHere: false }]), ...encodeBlock(leaf, Buffer.from('block'))]);
    const flips = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const copy = Buffer.from(valid);
      for (const [at, value] of changes) copy[at] = value;
      return copy;
    });
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), flips, fc.nat(valid.length).map((end) => valid.subarray(0, end))), (bytes) => {
      try {
        decodeMessage(bytes, 'p');
      } catch (error) {
        expect(isCoded(error) ? error.code : error).toMatch(/^BITSWAP_/);
      }
    }), { numRuns: 3000 });
  });
});
