import { join } from 'node:path';
import { parseEther, zeroHash } from 'viem';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { layerCount } from '../../src-main/base/index.ts';
import type { Hex } from '../../src-main/chain/index.ts';
import { evidenceIn, isInTree, pathOfReceipt, readWrongWork, receiptLeaf, rootOfReceipts, type PaidSession } from '../../src-main/host/paid/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { decodeReceipt, excerptOf } from '../../src-main/pipeline/index.ts';
import { CREDIT, DAY_S, PaidGround, PRICE, QUESTION, SESSION_S, STAKE, type Paying } from '../support/paid-ground.ts';

let ground: PaidGround;
beforeAll(async () => { ground = await PaidGround.start(); });
afterAll(() => ground.stop());

/** Tokens, by the newest voucher that each node has. */
const vouchers = (id: Hex): number[] => ground.nodes.map(({ paid, nodeId }) => paid.book.vouchers('node', id, nodeId)[0]?.tokens ?? 0);
const vouchedTo = (id: Hex): number => Math.min(...vouchers(id));
/** As the payer knows them, and the node. */
const receiptsOf = ({ id: sessionId }: PaidSession, { paid, nodeId }: Paying): readonly [readonly Hex[], readonly Hex[]] => {
  const whose = { sessionId, nodeId };
  return [ground.payer.paid.book.receipts('payer', whose), paid.book.receipts('node', whose)];
};
const earnedSince = async (before: readonly bigint[]): Promise<bigint[]> => (await ground.balances()).map((now, index) => now - before[index]!);

it('pays three nodes in proportion to layers x tokens, and rewards them', async () => {
  const { payer, nodes, model, sum: { sum } } = ground;
  const before = await ground.balances();
  const { session, tokens } = await ground.paidAnswer();
  expect(payer.paid.book.shares('payer', session.id).map((share) => share.tokens)).toEqual([tokens, tokens, tokens]);
  for (const { paid, nodeId } of nodes) expect(paid.book.bills('node', session.id, nodeId)).toMatchObject([{ tokens }]);
  for (const node of nodes) {
    const [leaves, own] = receiptsOf(session, node);
    expect(leaves.length).toBeGreaterThan(0);
    expect(own).toEqual(leaves);
    const root = rootOfReceipts(leaves);
    const billed = [node.paid.book.bills('node', session.id, node.nodeId), payer.paid.book.bills('payer', session.id, node.nodeId), node.paid.book.vouchers('node', session.id, node.nodeId).slice(0, 1)];
    expect(billed.map((all) => all.map(({ receiptsRoot }) => receiptsRoot))).toEqual([[root], [root], [root]]);
    expect(isInTree(leaves[0]!, { root, path: pathOfReceipt(leaves, leaves[0]!)! })).toBe(true);
  }
  await ground.settle();
  const { book } = payer.paid;
  const scores = [];
  for (const rating of ['bad', 'good', null] as const) {
    await payer.paid.payer.rate(session.id, 'an answer', rating);
    scores.push(book.session('payer', session.id)?.score);
  }
  expect(scores).toEqual([0n, parseEther('1'), parseEther('1')]);
  await sum.travel(SESSION_S + DAY_S);
  await ground.settle();
  await expect(payer.paid.payer.rate(session.id, 'an answer', 'bad')).rejects.toMatchObject({ code: 'PAY_SCORED' });
  await expect(payer.paid.payer.rate(nodes[0]!.nodeId, 'an answer', 'bad')).rejects.toMatchObject({ code: 'PAY_NOT_BOOKED' });
  const due = ground.due([tokens, tokens, tokens]);
  expect(model.shards.map(({ layers }) => layerCount(layers))).toEqual([1, 2, 3]);
  expect(await earnedSince(before)).toEqual(due.map(({ pay }) => pay));
  await sum.travel(4 * DAY_S);
  await ground.settle();
  await ground.settle();
  // Nine tenths of the fees, by each node's part of them, a fifth of it by its stake, and all of it by the payer's score: the answer went well.
  expect(await Promise.all(nodes.map(({ nodeId }) => ground.sum.rewardsOf(nodeId)))).toEqual(due.map(({ fee }) => fee * 9n / 10n / 5n));
  expect([payer, ...nodes].flatMap(({ paid }) => paid.book.sessions().map(({ state }) => state))).toEqual(['done', 'done', 'done', 'done']);
}, 120_000);

it('a node signs zeros where the payer has other receipts, and is paid the same', async () => {
  const { payer, nodes, sum: { sum } } = ground;
  const [first, second, third] = nodes as [Paying, Paying, Paying];
  const before = await ground.balances();
  const { session, tokens } = await ground.paidAnswer(({ id: sessionId }) => {
    payer.paid.book.addReceipts('payer', { sessionId, nodeId: first.nodeId }, [sessionId]);
    second.paid.book.addReceipts('node', { sessionId, nodeId: second.nodeId }, [sessionId]);
  });
  const roots = [zeroHash, zeroHash, rootOfReceipts(receiptsOf(session, third)[0])];
  expect(roots[2]).not.toBe(zeroHash);
  for (const [index, { paid, nodeId }] of nodes.entries()) {
    const signed = [paid.book.bills('node', session.id, nodeId), payer.paid.book.bills('payer', session.id, nodeId), paid.book.vouchers('node', session.id, nodeId).slice(0, 1)];
    expect(signed).toMatchObject([1, 2, 3].map(() => [{ tokens, receiptsRoot: roots[index] }]));
  }
  await sum.travel(SESSION_S);
  await ground.settle();
  await sum.travel(DAY_S);
  await ground.settle();
  expect(await earnedSince(before)).toEqual(ground.due([tokens, tokens, tokens]).map(({ pay }) => pay));
}, 120_000);

it('a payer that stops vouching gets no further tokens; the nodes get what was vouched for, and one that signs two bills is slashed', async () => {
  const { payer, nodes, sum: { sum } } = ground;
  const before = await ground.balances();
  const session = await ground.openPaid();
  const answering = await ground.session(nodes, session);
  const generation = answering.pipeline.generate({ promptTokens: Int32Array.from({ length: 20 }, (_, i) => 5 + i), sampling: GREEDY, maxTokens: 2000, endTokens: [] });
  let received = 0;
  const reading = (async () => {
    for await (const _ of generation) {
      if (++received === 60) session.abandon();
      // The stages run ahead of a reader only so far: it reads as fast as it pays.
      if (received < 60 && received % 10 === 0) await vi.waitFor(() => expect(vouchedTo(session.id)).toBeGreaterThanOrEqual(received), { timeout: 60_000 });
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'PIPELINE_NOT_RECOVERED', meta: { lossCode: 'PIPELINE_STAGE_LEFT' } });
  await answering.close();
  const vouched = vouchers(session.id);
  expect(Math.min(...vouched)).toBeGreaterThanOrEqual(50);
  expect(received).toBeLessThan(2000);
  const [rogue] = nodes;
  expect(await ground.signBills(rogue!, session.id, [vouched[0]!, vouched[0]! + 1])).toBe(true);
  const share = payer.paid.book.shares('payer', session.id)[0]!;
  expect(await payer.paid.payer.witness(share, { tokens: 1, receiptsRoot: session.id, signature: `0x${'00'.repeat(64)}` })).toBe(false);
  // The payer's process begins anew: what it left open is settled out of its book.
  await payer.paid.stop();
  payer.paid = ground.payWith(payer, undefined);
  await payer.paid.start();
  expect(evidenceIn(payer.paid.book)).toMatchObject([{ sessionId: session.id, nodeId: rogue!.nodeId }]);
  await ground.settle();
  expect(await ground.sum.stakedOf(rogue!.nodeId)).toBe(STAKE / 2n);
  await sum.travel(SESSION_S + DAY_S);
  await ground.settle();
  expect(await earnedSince(before)).toEqual(ground.due(vouched).map(({ pay }) => pay));
}, 120_000);

it('a node below the least stake gets no paid work, and nobody is served for nothing', async () => {
  const { payer: { paid: { payer } }, model, nodes } = ground;
  const poor = await ground.startNode('poor', [], true);
  await ground.meet(poor);
  const { node: { mesh: { peerId: peer } }, nodeId } = poor;
  expect(await payer.standingOf(peer)).toMatchObject({ kind: 'out', error: { code: 'PAY_NOT_ACTIVE' } });
  const stage = { peer, nodeId, price: PRICE, credit: CREDIT, layers: model.shards[0]!.layers };
  await expect(payer.open({ stages: [stage], upTo: parseEther('1') })).rejects.toMatchObject({ code: 'CHAIN_REVERTED', meta: { error: 'NodeNotActive' } });
  await expect(ground.session(nodes, undefined)).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT' });
  const all = [...nodes, poor].map(({ node }) => node.mesh.peerId);
  const [paying, saving] = [ground.payHost({ payUpTo: '9' }), ground.payHost({})];
  expect((await saving.affordable(all)).peers).toEqual([]);
  expect((await paying.affordable(all)).peers).toEqual([]);
  await paying.connect({ chain: ground.sum.chain, wallet: ground.payer.account.wallet });
  const affordable = await paying.affordable(all);
  expect([affordable.peers, new Set(affordable.offers.keys())]).toEqual([all.slice(0, 3), new Set(all.slice(0, 3))]);
  const stages = nodes.map(({ node: { mesh } }, index) => ({ peer: mesh.peerId, layers: model.shards[index]!.layers }));
  const session = await paying.payFor(stages, affordable, new AbortController().signal);
  expect(session?.shares.map(({ cap }) => cap)).toEqual([1n, 2n, 3n].map((layers) => parseEther('1.5') * layers));
  await session?.close();
  expect(await paying.payFor(stages, { offers: new Map() }, new AbortController().signal)).toBeUndefined();
  await paying.disconnect();
}, 120_000);

it('a receipt that is doubted is kept with the way to it from the root of the bill that its node signed', async () => {
  const { nodes, model } = ground;
  const home = join(ground.home, 'doubting');
  const paying = ground.payHost({ payUpTo: '9', home });
  await paying.connect({ chain: ground.sum.chain, wallet: ground.payer.account.wallet });
  const stages = nodes.map(({ node: { mesh } }, index) => ({ peer: mesh.peerId, layers: model.shards[index]!.layers }));
  const session = await paying.payFor(stages, await paying.affordable(stages.map(({ peer }) => peer)), new AbortController().signal);
  const answering = await ground.session(nodes, session);
  const { receipts } = await answering.answer({ ...QUESTION, receipts: true });
  const receipt = receipts!.file!.receipts.at(-1)!;
  const file = excerptOf(receipts!.file!, decodeReceipt(receipt.body));
  await paying.keepWrong({ receipt, file });
  // Nobody was paid for that one.
  await paying.keepWrong({ receipt: { ...receipt, signature: new Uint8Array(64) }, file });
  expect(await readWrongWork(home)).toMatchObject([{ sessionId: session!.id, nodeId: nodes.at(-1)!.nodeId, billed: undefined }]);
  await answering.close();
  await session!.close();
  const [found] = await readWrongWork(home);
  const { receiptsRoot: root, path } = found!.billed!;
  expect(nodes.at(-1)!.paid.book.bills('node', session!.id, found!.nodeId)).toMatchObject([{ receiptsRoot: root }]);
  expect(isInTree(receiptLeaf(receipt), { root, path })).toBe(true);
  await paying.disconnect();
}, 120_000);

it('nodes that ask for nothing need no chain', async () => {
  const free = await ground.startNode('free', ground.model.shards, false);
  await ground.meet(free);
  await ground.sum.stop();
  expect(await ground.payer.paid.payer.standingOf(free.node.mesh.peerId)).toEqual({ kind: 'free' });
  const answering = await ground.session([free], undefined);
  expect((await answering.answer(QUESTION)).tokenIds.length).toBeGreaterThan(0);
  await answering.close();
}, 120_000);
