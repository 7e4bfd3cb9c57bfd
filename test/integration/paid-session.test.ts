import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { layerCount, systemClock } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, openSession, shardModelFile, type Node, type ShardedModel } from '../../src-main/host/index.ts';
import { nodeSignerOf, openPaid, PayGate, type Paid, type PaidSession, type PaidStage } from '../../src-main/host/paid/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { verifySignature } from '../../src-main/mesh/index.ts';
import { startSumGround, type Account, type SumGround } from '../support/sum-ground.ts';

/** Three nodes that compute for pay, a payer, a chain: all of it real, but for the chain's time. */
const signal = new AbortController().signal;
const paths = appPaths();
const STAKE = parseEther('2000');
const PRICE = parseEther('0.5');
const CREDIT = 48;
const DAY = 86_400;

interface Paying {
  readonly node: Node;
  readonly account: Account;
  readonly paid: Paid;
}

let home = '';
let ground: SumGround;
let model: ShardedModel;
let nodes: Paying[] = [];
let payer: Paying;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-paid-'));
  const settings = await loadSettings({ home, threads: 1, mdns: false, calibrate: false, logLevel: 'silent' }, {});
  [ground, model] = await Promise.all([startSumGround(join(home, 'chain-home')), shardModelFile(settings.config, { paths, model: settings.config.model, plan: { kind: 'cuts', at: [1, 3] } })]);
  stops.push(() => ground.stop());
  const start = async (name: string, shards: ShardedModel['shards'], serves: boolean): Promise<Paying> => {
    const gate = new PayGate();
    const config = { ...settings.config, home: join(home, name) };
    const node = await createNode({ settings: { ...settings, config }, paths, shards, identity: 'file', ...(serves ? { paid: gate } : {}) });
    await node.start();
    const account = await ground.account();
    const paid = openPaid({
      home: config.home, node, chain: ground.chain, wallet: account.wallet, verifySignature, clock: systemClock, logger: node.logger,
      ...(serves ? { serve: { price: PRICE, gate, credit: CREDIT } } : {}), times: { settleMs: 86_400_000, patienceS: 0n, vouchTokens: 8, vouchMs: 200 },
    });
    await paid.start();
    stops.push(async () => {
      await paid.stop();
      await node.stop();
    });
    return { node, account, paid };
  };
  nodes = await Promise.all(model.shards.map((shard, index) => start(`node-${index}`, [shard], true)));
  payer = await start('payer', [], false);
  for (const { node, account } of nodes.slice(0, 3)) await ground.stake(account, nodeSignerOf(node.mesh.signer), STAKE);
  for (const { node } of nodes) await payer.node.mesh.dial(node.mesh.addresses()[0] ?? '', { signal });
});
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  await rm(home, { recursive: true, force: true });
});

const stages = (): Promise<PaidStage[]> => Promise.all(nodes.map(async ({ node }, index) => ({ ...await payer.paid.payer.offerOf(node.mesh.peerId), layers: model.shards[index]!.layers })));

async function ask(paid: PaidSession | undefined, maxTokens: number, onText: () => void = () => undefined) {
  const route = nodes.map(({ node }, index) => ({ peer: node.mesh.peerId, addresses: node.mesh.addresses().slice(0, 1), layers: model.shards[index]!.layers }));
  const session = await openSession({
    node: payer.node, route, candidates: () => [], modelHash: model.manifest.model_hash, vocabularyPath: model.vocabularyPath, contextTokens: 512, microBatch: { batchTokens: 32 }, dtype: 'f16', paid, signal,
  });
  try {
    return await session.answer({ prompt: { kind: 'text', text: 'OmniNode is' }, sampling: GREEDY, maxTokens, signal, onText });
  } finally {
    await session.close();
  }
}

const settleAll = async (): Promise<void> => {
  for (const { paid } of [payer, ...nodes]) await paid.settlements.look();
};

it('pays three nodes in proportion to layers x tokens, and rewards them', async () => {
  const before = await Promise.all(nodes.map(({ account }) => account.balance()));
  const session = await payer.paid.payer.open({ stages: await stages(), upTo: parseEther('100'), durationS: 600n });
  const { stats, finishReason } = await ask(session, 40);
  await session.close();
  // The token that ends an answer is computed too.
  const tokens = stats.promptTokens + stats.generatedTokens + Number(finishReason === 'stop');
  expect(payer.paid.book.shares('payer', session.id).map((share) => share.tokens)).toEqual([tokens, tokens, tokens]);
  for (const { paid, node } of nodes) expect(paid.book.bills('node', session.id, nodeSignerOf(node.mesh.signer).nodeId)).toMatchObject([{ tokens }]);
  await settleAll();
  await ground.sum.travel(600 + DAY);
  await settleAll();
  await ground.sum.travel(4 * DAY);
  await settleAll();
  await settleAll();
  const earned = await Promise.all(nodes.map(async ({ account }, index) => await account.balance() - before[index]!));
  const due = model.shards.map(({ layers }) => PRICE * BigInt(layerCount(layers)) * BigInt(tokens) / 1000n);
  expect(earned).toEqual(due.map((amount) => amount - amount * 500n / 10_000n));
}, 120_000);
