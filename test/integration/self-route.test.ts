import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appPaths, createNode, inferPipeline, loadSettings, openSession, routeOverPeers, shardModelFile, type Node } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';

/** A node plans itself in: what does not fit on it alone runs on it and on another, and the answer is that of any other route. */
const signal = new AbortController().signal;
const paths = appPaths();
const nodes: Node[] = [];
let home = '';

beforeAll(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-self-route-')); });
afterAll(async () => {
  for (const node of nodes) await node.stop();
  await rm(home, { recursive: true, force: true });
});

it('the stage of the node that asks is reached without the network, its neighbour over it', async () => {
  const settings = await loadSettings({ home, threads: 1, mdns: false, calibrate: false, logLevel: 'silent' }, {});
  const { config } = settings;
  const model = await shardModelFile(config, { paths, model: config.model, plan: { kind: 'even', shards: 2 } });
  const start = async (index: number): Promise<Node> => {
    const node = await createNode({ settings: { ...settings, config: { ...config, home: join(home, String(index)) } }, paths, shards: model.shards.slice(index, index + 1), identity: 'file' });
    nodes.push(node);
    await node.start();
    return node;
  };
  const [self, other] = [await start(0), await start(1)];
  const { route } = await routeOverPeers({ config, paths, node: self, model, addresses: other.mesh.addresses().slice(0, 1), withSelf: true, dtype: 'f16', signal });
  expect(route.stages.map(({ peer, layers }) => [peer, layers])).toEqual([[self.mesh.peerId, model.shards[0]?.layers], [other.mesh.peerId, model.shards[1]?.layers]]);
  const session = await openSession({ ...route, node: self, route: route.stages, contextTokens: 512, microBatch: { batchTokens: 256 }, dtype: 'f16', signal });
  const request = { prompt: { kind: 'text', text: 'OmniNode is' }, sampling: GREEDY, maxTokens: 24 } as const;
  try {
    const { tokenIds, stats, stages } = await session.answer({ ...request, signal, onText: () => undefined });
    route.lessons?.add({ stats, stages });
    await route.lessons?.flush();
    expect(tokenIds).toEqual((await inferPipeline(settings, { ...request, dtype: 'f16', route: { kind: 'cluster', nodes: 2 } }, { signal })).tokenIds);
  } finally {
    await session.close();
    await route.supplies?.stop();
  }
}, 120_000);
