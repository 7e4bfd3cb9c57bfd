import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Author, profileOf } from '../testing/capability.ts';
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from '../protocols/capability/schema.ts';
import { open, seal } from './message.ts';
import { MAX_LOST, MAX_MESSAGE_BYTES, SIGNATURE_BYTES } from './options.ts';

const author = await Author.create();
const other = await Author.create();
const STAMP = { run: 1000, seq: 3, at: 2000 };
const ad = await author.say({ kind: 'ad', profile: profileOf('a node') }, STAMP);

/** What an author signed that is no message of ours. */
async function signed(change: (body: Record<string, unknown>) => unknown, by = author): Promise<Uint8Array> {
  const body = Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(ad.bytes.subarray(SIGNATURE_BYTES)).toString()))));
  return Buffer.concat([await by.signer.sign(Buffer.concat([Buffer.from('omninode capability 1\n'), body])), body]);
}
const codeOf = (bytes: Uint8Array): unknown => {
  try {
    return open(bytes).message;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('a message', () => {
  it('is what its author signed', () => {
    expect(open(ad.bytes).message).toEqual({ kind: 'ad', profile: profileOf('a node'), peer: author.peer, ttlMs: 13_000, ...STAMP });
  });

  it('in the name of another is forged', async () => {
    expect(codeOf(await signed((body) => ({ ...body, peer: other.peer })))).toBe('CAPABILITY_FORGED');
    expect(codeOf(await signed((body) => body, other))).toBe('CAPABILITY_FORGED');
    // A signature for something else of the same author is none for this.
    const bare = ad.bytes.subarray(SIGNATURE_BYTES);
    expect(codeOf(Buffer.concat([await author.signer.sign(bare), bare]))).toBe('CAPABILITY_FORGED');
  });

  it('with any byte changed is refused', () => {
    fc.assert(fc.property(fc.nat({ max: ad.bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const bytes = Uint8Array.from(ad.bytes);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      expect(codeOf(bytes)).toMatch(/^CAPABILITY_(FORGED|INVALID|VERSION_UNKNOWN)$/);
    }));
  });

  it('of a newer minor version is taken, with what we know of it; of another major version it is refused with its own code', async () => {
    expect(codeOf(await signed((body) => ({ ...body, version: '1.7', later: 1, profile: { ...(body['profile'] as object), later: { much: true } } })))).toEqual(open(ad.bytes).message);
    expect(codeOf(await signed((body) => ({ ...body, version: '2.0' })))).toBe('CAPABILITY_VERSION_UNKNOWN');
    expect(codeOf(await signed((body) => ({ ...body, version: '1.7', kind: 'unheard-of' })))).toBe('CAPABILITY_VERSION_UNKNOWN');
    expect(codeOf(await signed((body) => ({ ...body, kind: 'unheard-of' })))).toBe('CAPABILITY_INVALID');
  });

  it.each<[string, object]>([
    ['without a version', { version: undefined }], ['that ends before it begins', { at: 999 }], ['that lives for an hour', { ttlMs: 3_600_000 }], ['with seq 0', { seq: 0 }],
    ['with a name that moves the cursor', { profile: { ...profileOf('x'), name: '\u001b[2J' } }], ['with a name from right to left', { profile: { ...profileOf('x'), name: 'a\u202eb' } }],
    ['with less than no memory', { profile: { ...profileOf('x'), machine: { os: 'linux', arch: 'x64', ramFreeBytes: -1 } } }],
    ['with a thousand models', { profile: { ...profileOf('x'), models: Array(1000).fill({ hash: 'h', totalLayers: 1, held: [], loaded: [] }) } }],
  ])('%s is invalid', async (_, change) => {
    expect(codeOf(await signed((body) => ({ ...body, ...change })))).toBe('CAPABILITY_INVALID');
  });

  it('says who is lost, of a limited number', async () => {
    const loss = (seq: number) => ({ peer: other.peer, run: 5, seq });
    const say = (lost: readonly object[]) => signed(({ profile: _, ...body }) => ({ ...body, kind: 'alive', ad: 1, version: '1.1', lost }));
    const told = await author.say({ kind: 'alive', ad: 1, lost: [loss(1), loss(2)] }, STAMP);
    expect(open(told.bytes).message).toEqual(told.message);
    expect(open(await say(Array.from({ length: MAX_LOST }, (__, i) => loss(i + 1)))).message).toMatchObject({ kind: 'alive' });
    for (const bad of [[], [{ ...loss(1), seq: 0 }], [{ peer: other.peer }], Array.from({ length: MAX_LOST + 1 }, (__, i) => loss(i + 1))]) expect(codeOf(await say(bad))).toBe('CAPABILITY_INVALID');
  });

  it('that is too large is neither made nor taken', async () => {
    const models = Array.from({ length: 32 }, (_, index) => ({ name: 'n'.repeat(100), hash: `${index}`.padStart(64, '0'), totalLayers: 1000, held: Array.from({ length: 32 }, () => [100_000, 100_000] as const), loaded: [] }));
    const profile = { ...profileOf('big'), models };
    await expect(seal({ kind: 'ad', profile, peer: author.peer, ttlMs: 1, ...STAMP }, author.signer)).rejects.toMatchObject({ code: 'CAPABILITY_TOO_LARGE' });
    expect(codeOf(await signed((body) => ({ ...body, filler: 'x'.repeat(MAX_MESSAGE_BYTES) })))).toBe('CAPABILITY_INVALID');
  });

  it('made of anything at all is a message or a coded refusal', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => { expect(codeOf(bytes)).toMatch(/^CAPABILITY_/); }));
  });
});

describe('questions and answers', () => {
  it('are read back', () => {
    fc.assert(fc.property(fc.array(fc.record({ bytes: fc.uint8Array({ maxLength: 300 }), leftMs: fc.nat() }), { maxLength: 20 }), (told) => {
      expect(decodeAnswer(encodeAnswer([told]))).toEqual(told);
    }));
    for (const question of [{ version: 1, peers: ['a'] }, { version: 1, after: '' }] as const) expect(decodeQuestion(encodeQuestion(question))).toEqual(question);
  });

  it('an answer takes as many groups as a frame holds, and none by half', () => {
    const group = [{ bytes: new Uint8Array(10_000), leftMs: 1 }, { bytes: new Uint8Array(12_000), leftMs: 2 }];
    const answer = encodeAnswer([group, group, group]);
    expect(answer.length).toBeLessThanOrEqual(65_536);
    expect(decodeAnswer(answer)).toHaveLength(4);
  });

  it('that are anything else are none', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const told = decodeAnswer(bytes);
      expect(told === undefined || Buffer.from(encodeAnswer([told])).equals(Buffer.from(bytes))).toBe(true);
      expect(decodeQuestion(bytes)).toBeUndefined();
    }));
    for (const bad of [{ version: 2, after: '' }, { version: 1 }, { version: 1, peers: [] }, { version: 1, peers: Array(65).fill('a') }]) expect(decodeQuestion(Buffer.from(JSON.stringify(bad)))).toBeUndefined();
  });
});
