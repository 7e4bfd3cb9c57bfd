import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { appPaths, loadSettings, type GivenShard, type HostConfig } from '../../src-main/host/index.ts';
import { shardForCluster } from '../../src-main/host/sharded-model.ts';
import { createLocalModel, GREEDY } from '../../src-main/inference/index.ts';
import type { PeerSummary } from '../../src-main/mesh/index.ts';
import type { AnswerRequest } from '../support/answer-messages.ts';
import { AnswerProcess } from '../support/answer-process.ts';
import { whyNoLans } from '../support/lans.ts';
import { generateModel } from '../support/models/index.ts';
import { loopbackRelay, natGround, type RelayGround } from '../support/relay-ground.ts';

const lacks = whyNoLans();
if (lacks !== undefined) console.warn(`answers through a relay run on the loopback alone, not behind routers: ${lacks}`);

const home = mkdtempSync(join(tmpdir(), 'omninode-relayed-'));
const path = join(home, 'model.gguf');
const CONTEXT = 8192;
const HIDDEN = 128;
const ROW_BYTES = HIDDEN * 4;
const prompt = [5, 40, 41, 42, 43];
/** What a direct link may take to come about, after which it did not; tokens are read meanwhile, a few at a time. */
const UPGRADE = { timeout: 60_000, interval: 100 };
const FEW = 5;
const MANY = 200;

let ground: RelayGround | undefined;
const running: AnswerProcess[] = [];
let shards: readonly GivenShard[];
let modelHash: string;
let config: HostConfig;

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: 4, hiddenSize: HIDDEN, seed: 3 });
  ({ config } = await loadSettings({ model: path, home, contextTokens: CONTEXT, mdns: false, dht: false, calibrate: false, targetPeers: 0, peerExchange: false, probeBytesPerMinute: 0, shareStore: false, threads: 1 }));
  const model = await shardForCluster(config, { nodes: 2, paths: appPaths() });
  [shards, modelHash] = [model.shards, model.manifest.model_hash];
});
afterEach(() => {
  for (const one of running.splice(0)) one.kill();
  ground?.stop();
  ground = undefined;
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** The tokens of one process that has the whole model. */
async function whole(count: number): Promise<number[]> {
  const model = await createLocalModel({ path, contextTokens: CONTEXT, batchTokens: 32, threads: 1, gpuLayers: 0 });
  const out: number[] = [];
  for await (const { token } of model.generate({ promptTokens: Int32Array.from(prompt), sampling: GREEDY, maxTokens: count, endTokens: [], signal: new AbortController().signal })) out.push(token);
  await model.dispose();
  return out;
}

async function startOn(at: RelayGround, index: 0 | 1): Promise<AnswerProcess> {
  const node = await AnswerProcess.start(at.hosts[index], { config: { ...config, ...at.config, home: join(home, `${running.length}-${process.pid}-${Math.random()}`) }, shards: [shards[index] as GivenShard] });
  running.push(node);
  return node;
}

const through = (relayAddress: string, { peer }: AnswerProcess): string => `${relayAddress}/p2p-circuit/p2p/${peer}`;
const linkTo = async (from: AnswerProcess, to: AnswerProcess): Promise<Partial<PeerSummary>> => (await from.ask({ kind: 'state' })).peers.find(({ peer }) => peer === to.peer) ?? {};

const grounds = [['on the loopback', undefined, loopbackRelay], ['behind two routers', lacks, natGround]] as const;
for (const [where, why, make] of grounds) {
  test.skipIf(why !== undefined)(`an answer that begins over a relay goes on over a direct link, token for token, and nothing of it crosses the relay any more (${where})`, async () => {
    const at = await make();
    ground = at;
    const [near, far] = [await startOn(at, 0), await startOn(at, 1)];
    const address = through(at.relayAddress, far);
    await expect.poll(async () => (await far.ask({ kind: 'state' })).addresses, UPGRADE).toContain(address);

    const request: AnswerRequest = {
      route: [{ peer: near.peer, addresses: [], layers: shards[0]!.layers }, { peer: far.peer, addresses: [address], layers: shards[1]!.layers }],
      modelHash, contextTokens: CONTEXT, prompt, maxTokens: CONTEXT - 100, speculate: false,
    };
    await near.ask({ kind: 'begin', request });
    const tokens: number[] = [];
    const read = async (count: number): Promise<void> => void tokens.push(...await near.ask({ kind: 'read', count }));
    /** Bytes that came to the relay while so many tokens were read. */
    const carriedBy = async (count: number): Promise<number> => {
      const before = at.carried();
      await read(count);
      return at.carried() - before;
    };

    expect(await carriedBy(MANY)).toBeGreaterThan((MANY - 64) * ROW_BYTES);
    expect(await linkTo(near, far)).toMatchObject({ route: 'relayed', transport: 'relay + tls + yamux', why: 'no direct connection' });
    expect(await linkTo(far, near)).toMatchObject({ route: 'relayed', why: 'no direct connection' });

    await at.letThrough(near, far);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      await expect.poll(async () => { await read(FEW); return linkTo(from, to); }, UPGRADE).toMatchObject({ route: 'direct', transport: at.transport, why: expect.stringMatching(/^(direct, the others are relayed|the only connection)$/) });
    }
    // Both streams of the answer go over, that to the second stage and that back to the first.
    await expect.poll(() => carriedBy(FEW * 10), UPGRADE).toBeLessThan(FEW * ROW_BYTES);
    // Pings and gossip go on.
    expect(await carriedBy(MANY)).toBeLessThan((MANY / 10) * ROW_BYTES);

    at.killRelay();
    await read(MANY);
    await near.ask({ kind: 'end' });
    // Where TCP finds a way, the rows go over lanes then; none was opened over the relay.
    for (const node of [near, far]) {
      const rows = async (): Promise<number> => (await node.ask({ kind: 'state' })).laneRows;
      if (at.transport === 'webrtc') expect(await rows()).toBe(0);
      else await expect.poll(rows).toBeGreaterThan(MANY);
    }
    expect(tokens).toEqual(await whole(tokens.length));
    for (const node of [near, far]) expect(await node.stop()).toBe(0);
  });
}
