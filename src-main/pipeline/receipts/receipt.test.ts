import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createMesh, verifySignature } from '../../mesh/index.ts';
import { noMetrics, silentLogger, systemClock } from '../../base/index.ts';
import type { Signer } from '../ports.ts';
import { decodeReceipt, encodeReceipt, openReceipt, signReceipt, type Receipt, type SignedReceipt } from './receipt.ts';

let signer: Signer;
let signed: SignedReceipt;
const commitment = { first: 32, count: 8, bytes: Uint8Array.from({ length: 258 }, (_, i) => i & 0xff) };
const middle: Omit<Receipt, 'version' | 'peer'> = {
  modelHash: 'ab'.repeat(32), manifestCid: null, layers: [2, 3], session: '0f'.repeat(16), first: 32, count: 8,
  inputTokens: null, sampledTokens: null, input: commitment, output: commitment, takes: 'f16', sends: 'f32', backend: 'cpu', startedMs: 1000, endedMs: 2000,
};
const code = (code: string) => expect.objectContaining({ code });

beforeAll(async () => {
  const components = { logger: silentLogger, metrics: noMetrics, clock: systemClock };
  signer = (await createMesh({ listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test' }, components)).signer;
  signed = await signReceipt(middle, signer);
});

describe('a receipt', () => {
  it('comes back as it was signed, in less than 1 KB', async () => {
    expect(await openReceipt(signed, verifySignature)).toEqual({ ...middle, version: 1, peer: signer.peerId });
    expect(signed.body.length + signed.signature.length).toBeLessThan(1024);
  });

  it('of a first and of a last stage carries tokens', async () => {
    const ids = Array.from({ length: 8 }, (_, i) => i);
    for (const stage of [
      { layers: [0, 1] as [number, number], inputTokens: ids, input: null },
      { layers: [4, 5] as [number, number], sampledTokens: [7, 9], output: { ...commitment, first: 38, count: 2 } },
      { layers: [4, 5] as [number, number], sampledTokens: [], output: null },
    ]) expect(await openReceipt(await signReceipt({ ...middle, ...stage }, signer), verifySignature)).toMatchObject(stage);
  });

  it('is refused when a bit of it, or its signer, is another', async () => {
    await fc.assert(fc.asyncProperty(fc.nat({ max: signed.body.length - 1 }), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const body = signed.body.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte));
      await expect(openReceipt({ body, signature: signed.signature }, verifySignature)).rejects.toMatchObject({ code: expect.stringMatching(/^RECEIPT_(BAD_SIGNATURE|MALFORMED|WRONG_VERSION)$/) });
    }));
    await expect(openReceipt({ ...signed, signature: signed.signature.slice(1) }, verifySignature)).rejects.toMatchObject({ code: 'RECEIPT_BAD_SIGNATURE' });
    // Without the prefix a signature is one of another kind.
    await expect(openReceipt({ body: signed.body, signature: await signer.sign(signed.body) }, verifySignature)).rejects.toMatchObject({ code: 'RECEIPT_BAD_SIGNATURE' });
  });
});

describe('bodies', () => {
  const whole: Receipt = { ...middle, version: 1, peer: 'peer' };
  const bad: [string, object][] = [
    ['layers out of order', { layers: [3, 2] }], ['rows of two windows', { first: 30, input: { ...commitment, first: 30 }, output: { ...commitment, first: 30 } }],
    ['no rows', { count: 0 }], ['too many rows', { first: 0, count: 33 }], ['tokens of a middle stage', { inputTokens: [1] }],
    ['a first stage without tokens', { layers: [0, 1] }], ['too few tokens', { layers: [0, 1], input: null, inputTokens: [1] }],
    ['input of other rows', { input: { ...commitment, count: 7 } }], ['output of a part', { output: { ...commitment, first: 38, count: 2 } }],
    ['no output', { output: null }], ['a short commitment', { output: { ...commitment, bytes: new Uint8Array(2) } }],
    ['a long commitment', { output: { ...commitment, bytes: new Uint8Array(260) } }], ['an odd commitment', { output: { ...commitment, bytes: new Uint8Array(5) } }],
    ['an end before its beginning', { endedMs: 999 }], ['an end before its beginning on a last stage', { endedMs: 999, sampledTokens: [], output: null }], ['another hash', { modelHash: 'AB'.repeat(32) }], ['a session that is none', { session: 'x' }],
    ['a line break as backend', { backend: 'cpu\n' }], ['an unknown field', { extra: 1 }], ['a fraction', { first: 32.5 }], ['a dtype that is none', { takes: 'q8' }],
    ['more samples than rows', { sampledTokens: Array.from({ length: 9 }, () => 1) }],
  ];

  it.each(bad)('with %s are malformed', (_, change) => {
    expect(() => encodeReceipt({ ...whole, ...change })).toThrow(code('RECEIPT_MALFORMED'));
    expect(() => decodeReceipt(dagCbor.encode({ ...whole, ...change }))).toThrow(code('RECEIPT_MALFORMED'));
  });

  it('of another version say so', () => {
    expect(() => decodeReceipt(dagCbor.encode({ ...whole, version: 2, news: true }))).toThrow(code('RECEIPT_WRONG_VERSION'));
  });

  it('too large, of any bytes, or not canonical are malformed', () => {
    expect(() => decodeReceipt(new Uint8Array(4097))).toThrow(code('RECEIPT_MALFORMED'));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => { expect(() => decodeReceipt(bytes)).toThrow(code('RECEIPT_MALFORMED')); }));
    const body = Buffer.from(encodeReceipt(whole));
    // The same whole number, spelt as a longer one.
    const at = body.indexOf(Buffer.from([0x65, ...Buffer.from('first'), 0x18, 0x20]));
    const longer = Buffer.concat([body.subarray(0, at + 6), Uint8Array.of(0x19, 0, 0x20), body.subarray(at + 8)]);
    expect(() => decodeReceipt(longer)).toThrow(code('RECEIPT_MALFORMED'));
  });
});
