import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex, parseEther } from 'viem';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { layerCount, systemClock } from '../../src-main/base/index.ts';
import { billMessage, type Hex } from '../../src-main/chain/index.ts';
import { appPaths, createNode, loadSettings, openSession, shardModelFile, type ModelSession, type Node, type Settings, type ShardedModel } from '../../src-main/host/index.ts';
import { nodeIdOf, nodeSignerOf, openPaid, PayGate, type Paid, type PaidSession, type PaidStage } from '../../src-main/host/paid/index.ts';
import { billOf } from '../../src-main/host/paid/terms.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { verifySignature } from '../../src-main/mesh/index.ts';
import { startSumGround, type Account, type SumGround } from '../support/sum-ground.ts';

/** Three nodes that compute for pay, a payer, a chain: all of it real, but for the chain's time. */
const signal = new AbortController().signal;
const paths = appPaths();
const STAKE = parseEther('2000');
const PRICE = parseEther('0.5');
const CREDIT = 160;
const CONTEXT = 2048;
const DAY = 86_400;

interface Paying {
  readonly node: Node;
  readonly account: Account;
  readonly paid: Paid;
}

let home = '';
let settings: Settings;
let ground: SumGround;
let model: ShardedModel;
let nodes: Paying[] = [];
let payer: Paying;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-paid-'));
  settings = await loadSettings({ home, threads: 1, mdns: false, calibrate: false, logLevel: 'silent' }, {});
  [ground, model] = await Promise.all([startSumGround(join(home, 'chain-home')), shardModelFile(settings.config, { paths, model: settings.config.model, plan: { kind: 'cuts', at: [1, 3] } })]);
  stops.push(() => ground.stop());
  nodes = await Promise.all(model.shards.map((shard, index) => start(`node-${index}`, [shard], true)));
  payer = await start('payer', [], false);
  for (const { node, account } of nodes) await ground.stake(account, nodeSignerOf(node.mesh.signer), STAKE);
  for (const { node } of nodes) await payer.node.mesh.dial(node.mesh.addresses()[0] ?? '', { signal });
});
/** What an account does about pay with a node. */
const payWith = ({ node, account }: Pick<Paying, 'node' | 'account'>, gate: PayGate | undefined): Paid => openPaid({
  home: join(home, 'of', node.mesh.peerId), node, chain: ground.chain, wallet: account.wallet, verifySignature, clock: systemClock, logger: node.logger,
  ...(gate === undefined ? {} : { serve: { price: PRICE, gate, credit: CREDIT } }), times: { settleMs: 86_400_000, patienceS: 0n, vouchTokens: 8, vouchMs: 200 },
});

async function start(name: string, shards: ShardedModel['shards'], serves: boolean): Promise<Paying> {
  const gate = serves ? new PayGate() : undefined;
  const node = await createNode({ settings: { ...settings, config: { ...settings.config, home: join(home, name) } }, paths, shards, identity: 'file', paid: gate });
  await node.start();
  const account = await ground.account();
  const paying = { node, account, paid: payWith({ node, account }, gate) };
  await paying.paid.start();
  stops.push(async () => {
    await paying.paid.stop();
    await node.stop();
  });
  return paying;
}
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  await rm(home, { recursive: true, force: true });
});

const stages = (): Promise<PaidStage[]> => Promise.all(nodes.map(async ({ node }, index) => ({ ...await payer.paid.payer.offerOf(node.mesh.peerId), layers: model.shards[index]!.layers })));

const routeOver = (over: readonly Paying[]) => over.map(({ node }, index) => ({ peer: node.mesh.peerId, addresses: node.mesh.addresses().slice(0, 1), layers: model.shards[index]!.layers }));

const sessionOver = (route: ReturnType<typeof routeOver>, paid: PaidSession | undefined): Promise<ModelSession> => openSession({
  node: payer.node, route, candidates: () => [], modelHash: model.manifest.model_hash, vocabularyPath: model.vocabularyPath, contextTokens: CONTEXT, microBatch: { batchTokens: 32 }, dtype: 'f16', paid, signal,
});

const PROMPT = { prompt: { kind: 'text', text: 'OmniNode is' }, sampling: GREEDY, maxTokens: 40, signal, onText: () => undefined } as const;

async function settleAll(): Promise<void> {
  for (const { paid } of [payer, ...nodes]) await paid.settlements.look();
}

/** Tokens, by the newest voucher that each node has. */
const vouchers = (id: Hex): number[] => nodes.map(({ paid, node }) => paid.book.vouchers('node', id, nodeIdOf(node.mesh.peerId)!)[0]?.tokens ?? 0);
const vouchedTo = (id: Hex): number => Math.min(...vouchers(id));

it('pays three nodes in proportion to layers x tokens, and rewards them', async () => {
  const before = await Promise.all(nodes.map(({ account }) => account.balance()));
  const session = await payer.paid.payer.open({ stages: await stages(), upTo: parseEther('100'), durationS: 600n });
  const answering = await sessionOver(routeOver(nodes), session);
  const { stats, finishReason } = await answering.answer(PROMPT);
  await answering.close();
  await session.close();
  // The token that ends an answer is computed too.
  const tokens = stats.promptTokens + stats.generatedTokens + Number(finishReason === 'stop');
  expect(payer.paid.book.shares('payer', session.id).map((share) => share.tokens)).toEqual([tokens, tokens, tokens]);
  for (const { paid, node } of nodes) expect(paid.book.bills('node', session.id, nodeIdOf(node.mesh.peerId)!)).toMatchObject([{ tokens }]);
  await settleAll();
  await ground.sum.travel(600 + DAY);
  await settleAll();
  const earned = await Promise.all(nodes.map(async ({ account }, index) => await account.balance() - before[index]!));
  const pay = model.shards.map(({ layers }) => PRICE * BigInt(layerCount(layers)) * BigInt(tokens) / 1000n);
  const fees = pay.map((amount) => amount * 500n / 10_000n);
  expect(model.shards.map(({ layers }) => layerCount(layers))).toEqual([1, 2, 3]);
  expect(earned).toEqual(pay.map((amount, index) => amount - fees[index]!));
  await ground.sum.travel(4 * DAY);
  await settleAll();
  await settleAll();
  // The whole session's fees, weighed by the share of the full stake, and of the payer's score: all of it went well.
  const rewards = await Promise.all(nodes.map(({ node }) => ground.rewardsOf(nodeIdOf(node.mesh.peerId)!)));
  expect(rewards).toEqual(fees.map((fee) => fee * 9n / 10n / 5n));
  expect([payer, ...nodes].flatMap(({ paid }) => paid.book.sessions().map(({ state }) => state))).toEqual(['done', 'done', 'done', 'done']);
}, 120_000);

it('a payer that stops vouching gets no further tokens; the nodes get what was vouched for, and a node that signs two bills is slashed', async () => {
  const before = await Promise.all(nodes.map(({ account }) => account.balance()));
  const session = await payer.paid.payer.open({ stages: await stages(), upTo: parseEther('100'), durationS: 600n });
  const answering = await sessionOver(routeOver(nodes), session);
  const generation = answering.pipeline.generate({ promptTokens: Int32Array.from({ length: 20 }, (_, i) => 5 + i), sampling: GREEDY, maxTokens: 2000, endTokens: [] });
  let received = 0;
  const reading = (async () => {
    for await (const _ of generation) {
      if (++received === 60) session.abandon();
      // The stages run ahead of a reader only so far: it reads as fast as it pays.
      if (received < 60 && received % 10 === 0) await vi.waitFor(() => expect(vouchedTo(session.id)).toBeGreaterThanOrEqual(received), { timeout: 60_000 });
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'PIPELINE_NOT_RECOVERED', meta: { lossCode: 'PIPELINE_STAGE_LEFT', reason: expect.any(String) } });
  await answering.close();
  const vouched = vouchers(session.id);
  expect(vouchedTo(session.id)).toBeGreaterThanOrEqual(50);
  expect(received).toBeLessThan(2000);
  for (const { node } of nodes) expect(await payer.paid.payer.standingOf(node.mesh.peerId)).toMatchObject({ kind: 'paid' });
  // What one node then signs, and signs once more.
  const [rogue] = nodes;
  const rogueId = nodeIdOf(rogue!.node.mesh.peerId)!;
  const share = payer.paid.book.shares('payer', session.id).find(({ nodeId }) => nodeId === rogueId)!;
  for (const tokens of [vouched[0]!, vouched[0]! + 1]) {
    const bill = billOf(share, { tokens });
    const signature = await rogue!.node.mesh.signer.sign(billMessage(bill, { chainId: ground.sum.network.chainId, settlement: ground.sum.network.contracts.Settlement }));
    expect(await payer.paid.payer.witness(share, { tokens, receiptsRoot: bill.receiptsRoot, signature: bytesToHex(signature) })).toBe(true);
  }
  expect(await payer.paid.payer.witness(share, { tokens: 1, receiptsRoot: billOf(share, { tokens: 1 }).receiptsRoot, signature: `0x${'00'.repeat(64)}` })).toBe(false);
  // The payer's process begins anew: what it left open is settled out of its book.
  await payer.paid.stop();
  payer = { ...payer, paid: payWith(payer, undefined) };
  await payer.paid.start();
  expect(payer.paid.evidence()).toMatchObject([{ sessionId: session.id, nodeId: rogueId }]);
  await settleAll();
  expect(await ground.stakedOf(rogueId)).toBe(STAKE / 2n);
  await ground.sum.travel(600 + DAY);
  await settleAll();
  const earned = await Promise.all(nodes.map(async ({ account }, index) => await account.balance() - before[index]!));
  expect(earned).toEqual(vouched.map((tokens, index) => {
    const pay = PRICE * BigInt(index + 1) * BigInt(tokens) / 1000n;
    return pay - pay * 500n / 10_000n;
  }));
}, 120_000);

it('a node below the least stake gets no paid work, and nobody is served for nothing', async () => {
  const { node: { mesh } } = await start('poor', [], true);
  await payer.node.mesh.dial(mesh.addresses()[0] ?? '', { signal });
  expect(await payer.paid.payer.standingOf(mesh.peerId)).toMatchObject({ kind: 'out', error: { code: 'PAY_NOT_ACTIVE' } });
  const poor = { peer: mesh.peerId, nodeId: nodeIdOf(mesh.peerId)!, price: PRICE, credit: CREDIT, layers: model.shards[0]!.layers };
  await expect(payer.paid.payer.open({ stages: [poor], upTo: parseEther('1') })).rejects.toMatchObject({ code: 'CHAIN_REVERTED', meta: { error: 'NodeNotActive' } });
  await expect(sessionOver(routeOver(nodes), undefined)).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT' });
}, 120_000);

it('nodes that ask for nothing need no chain', async () => {
  const free = await start('free', model.shards, false);
  await payer.node.mesh.dial(free.node.mesh.addresses()[0] ?? '', { signal });
  await ground.stop();
  expect(await payer.paid.payer.standingOf(free.node.mesh.peerId)).toEqual({ kind: 'free' });
  const answering = await sessionOver(model.shards.map(({ layers }) => ({ peer: free.node.mesh.peerId, addresses: free.node.mesh.addresses().slice(0, 1), layers })), undefined);
  expect((await answering.answer(PROMPT)).tokenIds.length).toBeGreaterThan(0);
  await answering.close();
}, 120_000);
