import fc from 'fast-check';
import { privateKeyToAccount } from 'viem/accounts';
import { expect, test } from 'vitest';
import { asPeerId, isCoded } from '../../base/index.ts';
import { billHash, leafOf, voucherTypedData, type Hex, type SettlementPlace } from '../../chain/index.ts';
import { AnswerMeter, Meter } from './meter.ts';
import { nodeIdOf } from './node-id.ts';
import { sharesOf } from './payer.ts';
import { amountOf, billOf, payerMark, tokensIn, type Terms } from './terms.ts';
import { checkVoucher, isInTree, voucherTree } from './vouchers.ts';

const place: SettlementPlace = { chainId: 1337, settlement: `0x${'11'.repeat(20)}` };
const all = (byte: string): Hex => `0x${byte.repeat(32)}`;
const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`);
const tokens = fc.nat({ max: 2 ** 40 });
const layers = fc.tuple(fc.nat({ max: 500 }), fc.nat({ max: 100 })).map(([first, more]) => ({ first, last: first + more }));
const terms: fc.Arbitrary<Terms> = fc.record({ sessionId: word, workId: word, nodeId: word, layers, price: fc.bigInt({ min: 10n ** 12n, max: 10n ** 24n }), cap: fc.bigInt({ min: 1n, max: 10n ** 24n }) });
const payer = privateKeyToAccount(all('42'));

test('an amount never passes the cap, never falls as tokens come, and is the price where the cap allows it', () => {
  fc.assert(fc.property(terms, tokens, tokens, (one, a, b) => {
    const [less, more] = [Math.min(a, b), Math.max(a, b)];
    expect(amountOf(one, less) <= amountOf(one, more)).toBe(true);
    expect(amountOf(one, more) <= one.cap).toBe(true);
    const most = tokensIn(one);
    const each = one.price * BigInt(one.layers.last - one.layers.first + 1);
    expect(each * BigInt(most) <= one.cap * 1000n).toBe(true);
    expect(each * BigInt(most + 1) > one.cap * 1000n).toBe(true);
  }));
});

test('each bill of a voucher is in its tree, and no other is', () => {
  fc.assert(fc.property(fc.array(fc.tuple(terms, tokens), { minLength: 1, maxLength: 32 }), tokens, (parts, other) => {
    const bills = parts.map(([one, count]) => billOf(one, { tokens: count }));
    const { root, paths } = voucherTree(bills, place);
    bills.forEach((bill, index) => {
      const path = paths[index]!;
      expect(path.length).toBeLessThanOrEqual(5);
      expect(isInTree(leafOf(billHash(bill, place)), { root, path })).toBe(true);
      const [one, count] = parts[index]!;
      if (other !== count) expect(isInTree(leafOf(billHash(billOf(one, { tokens: other }), place)), { root, path })).toBe(false);
    });
  }), { numRuns: 50 });
});

test('what is put aside for the nodes is no more than allowed, and pays each for the same tokens', () => {
  const stage = fc.record({ layers, price: fc.bigInt({ min: 1n, max: 10n ** 18n }), nodeId: word });
  fc.assert(fc.property(fc.array(stage, { minLength: 1, maxLength: 32 }), fc.bigInt({ min: 10n ** 20n, max: 10n ** 26n }), (stages, upTo) => {
    const about = { upTo, sessionId: all('00'), workId: all('01') };
    try {
      const shares = sharesOf(stages.map((one, index) => ({ ...one, peer: asPeerId(`p${index}`), credit: 1 })), about);
      expect(shares.reduce((sum, { cap }) => sum + cap, 0n) <= upTo).toBe(true);
      const paidFor = shares.map(tokensIn);
      expect(Math.max(...paidFor) - Math.min(...paidFor)).toBeLessThanOrEqual(1 + Math.max(...paidFor) * 1e-9 + 1000);
    } catch (error) {
      expect(isCoded(error, 'PAY_TOO_DEAR')).toBe(true);
    }
  }), { numRuns: 100 });
});

test('tokens count for the stages that stand when they are seen, once, whatever is told twice', () => {
  const [a, b] = [{ peer: asPeerId('a'), layers: { first: 0, last: 0 } }, { peer: asPeerId('b'), layers: { first: 1, last: 3 } }];
  const meter = new Meter([a, b]);
  const answer = new AnswerMeter(meter);
  expect([answer.upTo(10, [a, b]), answer.upTo(10, [a, b]), answer.upTo(7, [a, b])]).toEqual([10, 0, 0]);
  // b takes over the layer of a.
  expect(answer.upTo(16, [{ peer: b.peer, layers: { first: 0, last: 3 } }])).toBe(6);
  expect([meter.tokensOf(a.peer), meter.tokensOf(b.peer), meter.tokensOf(asPeerId('c'))]).toEqual([10, 18, 0]);
});

test('a voucher counts only signed by the payer, over this node, and over no less than before', async () => {
  const one: Terms = { sessionId: all('01'), workId: all('02'), nodeId: all('03'), layers: { first: 1, last: 3 }, price: 10n ** 18n, cap: 10n ** 24n };
  const other = { ...one, nodeId: all('07') };
  const voucherOver = async (count: number, { by = payer, mark = undefined as Hex | undefined } = {}) => {
    const { root, paths } = voucherTree([billOf(one, { tokens: count, ...(mark === undefined ? {} : { receiptsRoot: mark }) }), billOf(other, { tokens: count })], place);
    return { root, path: [...paths[0]!], tokens: count, signature: await by.signTypedData(voucherTypedData(place, { sessionId: one.sessionId, root })) };
  };
  const check = { terms: one, place, payer: payer.address, vouched: 100, receiptsRoots: [all('09'), all('00')] };
  await expect(checkVoucher(await voucherOver(100), check)).resolves.toBe(all('00'));
  await expect(checkVoucher(await voucherOver(100, { mark: all('09') }), check)).resolves.toBe(all('09'));
  await expect(checkVoucher(await voucherOver(99), check)).rejects.toMatchObject({ code: 'PAY_BAD_VOUCHER' });
  await expect(checkVoucher({ ...await voucherOver(100), tokens: 101 }, check)).rejects.toMatchObject({ code: 'PAY_BAD_VOUCHER' });
  await expect(checkVoucher(await voucherOver(100), { ...check, terms: { ...one, price: 2n * one.price } })).rejects.toMatchObject({ code: 'PAY_BAD_VOUCHER' });
  await expect(checkVoucher(await voucherOver(100, { by: privateKeyToAccount(all('43')) }), check)).rejects.toMatchObject({ code: 'PAY_NOT_THE_PAYER' });
  await expect(checkVoucher({ ...await voucherOver(100), signature: `0x${'ff'.repeat(65)}` }, check)).rejects.toMatchObject({ code: 'PAY_BAD_VOUCHER' });
  // A first voucher shown by one peer is of no use to another.
  const [mine, theirs] = [payerMark(asPeerId('me')), payerMark(asPeerId('them'))];
  await expect(checkVoucher(await voucherOver(0, { mark: mine }), { ...check, vouched: 0, receiptsRoots: [mine] })).resolves.toBe(mine);
  await expect(checkVoucher(await voucherOver(0, { mark: mine }), { ...check, vouched: 0, receiptsRoots: [theirs] })).rejects.toMatchObject({ code: 'PAY_BAD_VOUCHER' });
});

test('the id of a node is the key in its peer id', () => {
  expect(nodeIdOf(asPeerId('12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq'))).toMatch(/^0x[0-9a-f]{64}$/);
  for (const text of ['', 'nonsense', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', '0OIl']) expect(nodeIdOf(asPeerId(text))).toBeUndefined();
});
