import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { describe, expect, it } from 'vitest';
import { asPeerId, ManualClock } from '../../base/index.ts';
import { decodeAnnouncement, encodeAnnouncement, pagesOf, type Announcement } from './announcement.ts';
import { createAnnouncementGuard } from './guard.ts';
import { MAX_AGE_MS } from './options.ts';

const PEER = asPeerId('12D3KooWLGhttsQkuqn5xe46oFnc3vopSwcaU8C75uNZS5Ywh2Qh');
const ADDRESS = `/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`;
const cidOf = (hash: Uint8Array, codec = 0x55): string => CID.createV1(codec, create(0x1e, hash)).toString();
const numbered = (n: number, codec?: number): string => cidOf(new Uint8Array(32).fill(n & 255).fill(n >> 8, 0, 16), codec);
const base: Announcement = { at: 1000, ttlMs: 60_000, addresses: [ADDRESS], nodeAddresses: [ADDRESS], models: [], shards: [], gone: [] };

const cids = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => cidOf(hash));
const announcements: fc.Arbitrary<Announcement> = fc.record({
  at: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), ttlMs: fc.integer({ min: 0, max: 86_400 }).map((seconds) => seconds * 1000),
  addresses: fc.constantFrom([], [ADDRESS]), nodeAddresses: fc.constantFrom([], [ADDRESS, ADDRESS]),
  models: fc.array(fc.record({ manifest: cids, pieces: fc.uint8Array({ maxLength: 65 }) }), { maxLength: 20 }), shards: fc.array(cids, { maxLength: 20 }), gone: fc.array(cids, { maxLength: 20 }),
});

describe('an announcement', () => {
  it('arrives as it was sent', () => fc.assert(fc.property(announcements, (sent) => {
    const { models, ...rest } = decodeAnnouncement(encodeAnnouncement(sent), PEER);
    expect(rest).toEqual({ ...sent, models: undefined, ...rest });
    expect(models.map(({ manifest, pieces }) => ({ manifest, pieces: [...pieces] }))).toEqual(sent.models.map(({ manifest, pieces }) => ({ manifest, pieces: [...pieces] })));
    expect([rest.at, rest.ttlMs, rest.shards, rest.gone]).toEqual([sent.at, sent.ttlMs, sent.shards, sent.gone]);
  }), { numRuns: 200 }));

  it('of random or cut bytes is refused, never more', () => fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value) ?? ''))), (bytes) => {
    expect(() => decodeAnnouncement(bytes, PEER)).toThrow(expect.objectContaining({ code: 'PROVIDERS_BAD_ANNOUNCEMENT', fault: 'peer' }));
  }), { numRuns: 2000 }));

  const wire = (more: object): Uint8Array => Buffer.from(JSON.stringify({ version: 1, at: 1, ttl_s: 60, addresses: [], node: [], models: [], shards: [], gone: [], ...more }));
  it.each([
    ['a version to come', { version: 2 }], ['an unknown field', { more: 1 }], ['a long life', { ttl_s: 86_401 }], ['no time', { at: -1 }],
    ['somebody else’s address', { addresses: ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWOther'] }], ['no address', { node: ['example.org'] }], ['a long address', { node: [`/dns4/${'a'.repeat(300)}/p2p/${PEER}`] }], ['nine addresses', { node: Array(9).fill(ADDRESS) }],
    ['no CID', { shards: ['bafk'] }], ['a CID of another hash', { shards: ['bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'] }], ['pieces that are no base64', { models: [{ manifest: numbered(1, 0x71), pieces: '*' }] }],
    ['too many pieces', { models: [{ manifest: numbered(1, 0x71), pieces: Buffer.alloc(70).toString('base64') }] }],
    ['257 entries', { shards: Array.from({ length: 200 }, (_, n) => numbered(n)), gone: Array.from({ length: 57 }, (_, n) => numbered(n)) }],
  ])('with %s is refused', (_what, more) => {
    expect(decodeAnnouncement(wire({}), PEER)).toMatchObject({ at: 1 });
    expect(() => decodeAnnouncement(wire(more), PEER)).toThrow(expect.objectContaining({ code: 'PROVIDERS_BAD_ANNOUNCEMENT' }));
  });

  it('of a large store comes in pages that fit the topic, with everything once', () => {
    const models = Array.from({ length: 300 }, (_, n) => ({ manifest: numbered(n, 0x71), pieces: new Uint8Array(65).fill(255) }));
    const addresses = Array<string>(8).fill(`/dns4/${'a'.repeat(190)}/p2p/${PEER}`);
    const shards = Array.from({ length: 301 }, (_, n) => numbered(n));
    const pages = pagesOf({ ...base, addresses, nodeAddresses: addresses, models, shards, gone: [numbered(999)] }).map(encodeAnnouncement);
    expect(pages).toHaveLength(3);
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(64 * 1024);
    const read = pages.map((page) => decodeAnnouncement(page, PEER));
    expect(read.flatMap((page) => page.models.map(({ manifest }) => manifest))).toEqual(models.map(({ manifest }) => manifest));
    expect([read.flatMap((page) => page.shards), read.flatMap((page) => page.gone)]).toEqual([shards, [numbered(999)]]);
    expect(pagesOf(base)).toEqual([base]);
  });
});

describe('the topic', () => {
  it('lets an author tell a full store, then a message every two seconds; others are not hindered', () => {
    const clock = new ManualClock(1_000_000_000);
    const guard = createAnnouncementGuard(clock);
    const data = encodeAnnouncement({ ...base, at: clock.now() });
    const passed = Array.from({ length: 100 }, () => guard({ from: PEER, data })).filter((refusal) => refusal === undefined);
    expect(passed).toHaveLength(32);
    expect(guard({ from: PEER, data })).toEqual({ verdict: 'ignore', code: 'PROVIDERS_FLOODED' });
    const other = asPeerId('12D3KooWOther');
    expect(guard({ from: other, data: encodeAnnouncement({ ...base, at: clock.now(), addresses: [], nodeAddresses: [] }) })).toBeUndefined();
    clock.advance(2000);
    expect(guard({ from: PEER, data })).toBeUndefined();
    expect(guard({ from: other, data })).toEqual({ verdict: 'reject', code: 'PROVIDERS_BAD_ANNOUNCEMENT' });
  });

  it('takes nothing of another hour', () => {
    const clock = new ManualClock(1_000_000_000);
    const guard = createAnnouncementGuard(clock);
    const at = (ms: number): unknown => guard({ from: PEER, data: encodeAnnouncement({ ...base, at: clock.now() + ms }) });
    expect([at(-MAX_AGE_MS), at(MAX_AGE_MS)]).toEqual([undefined, undefined]);
    expect([at(-MAX_AGE_MS - 1), at(MAX_AGE_MS + 1)]).toEqual([{ verdict: 'ignore', code: 'PROVIDERS_OLD' }, { verdict: 'ignore', code: 'PROVIDERS_OLD' }]);
  });
});
