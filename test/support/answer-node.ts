import { toCoded } from '../../src-main/base/index.ts';
import { appPaths, createNode } from '../../src-main/host/index.ts';
import { takeMemorySpeed } from '../../src-main/host/memory-speed.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import type { Generation, Pipeline } from '../../src-main/pipeline/index.ts';
import type { AnswerReplies, AnswerRequest, AnswerSetup, AnswerState, FromAnswerNode, ToAnswerNode } from './answer-messages.ts';

// A node of the product in a process of its own, as a listening one is: stage runner, coordinator, and whatever gets it by routers. It reads
// an answer as fast as it is told to. It never calls process.exit: what keeps it alive after its stop shows in that it does not end.
const { config, shards } = JSON.parse(process.argv[2] ?? '{}') as AnswerSetup;
const BATCH_TOKENS = 32;
const say = (message: FromAnswerNode): void => void (process.connected && process.send?.(message));

takeMemorySpeed(1e10);
const node = await createNode({ settings: { config, secrets: { uiToken: '' } }, paths: appPaths(), shards, identity: 'file' });
let pipeline: Pipeline | undefined;
let generation: Generation | undefined;
let tokens: AsyncIterator<{ readonly token: number }> | undefined;

async function begin({ route, modelHash, contextTokens, prompt, maxTokens, speculate }: AnswerRequest): Promise<undefined> {
  pipeline = await node.coordinator.openPipeline({ route, modelHash, contextTokens, batchTokens: BATCH_TOKENS, dtype: 'f32', speculate });
  generation = pipeline.generate({ promptTokens: Int32Array.from(prompt), sampling: GREEDY, maxTokens, endTokens: [] });
  generation.result.catch(() => undefined);
  tokens = generation[Symbol.asyncIterator]();
  return undefined;
}

async function read(count: number): Promise<readonly number[]> {
  const out: number[] = [];
  while (out.length < count) {
    const next = await tokens?.next();
    if (next === undefined || next.done === true) break;
    out.push(next.value.token);
  }
  return out;
}

async function end(): Promise<undefined> {
  await tokens?.return?.();
  await generation?.result.catch(() => undefined);
  await pipeline?.close();
  return undefined;
}

async function state(): Promise<AnswerState> {
  const [, rows = '0'] = /^omninode_stage_lane_rows_total (\d+)/m.exec(await node.metrics.text()) ?? [];
  return { addresses: node.mesh.addresses(), peers: node.mesh.peers(), laneRows: Number(rows) };
}

async function stop(): Promise<undefined> {
  await node.stop();
  return undefined;
}

const answers: { readonly [K in keyof AnswerReplies]: (asked: Extract<ToAnswerNode, { kind: K }>) => Promise<AnswerReplies[K]> } = {
  dial: ({ address }) => node.mesh.dial(address), state, begin: ({ request }) => begin(request), read: ({ count }) => read(count), end, stop,
};

process.on('message', ({ number, asked }: { readonly number: number; readonly asked: ToAnswerNode }) => {
  const answer = answers[asked.kind] as (asked: ToAnswerNode) => Promise<unknown>;
  void answer(asked)
    .then((value) => say({ event: 'answer', number, value }), (error: unknown) => say({ event: 'failed', number, error: `${toCoded(error).code}: ${toCoded(error).message}` }))
    .finally(() => { if (asked.kind === 'stop' && process.connected) process.disconnect(); });
});
process.on('disconnect', () => void stop());
await node.start();
say({ event: 'ready', peer: node.mesh.peerId, addresses: node.mesh.addresses() });
