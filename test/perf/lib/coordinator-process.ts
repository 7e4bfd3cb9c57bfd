import { once } from 'node:events';
import { connect } from 'node:net';
import { asPeerId, systemClock } from '../../../src-main/base/index.ts';
import { appPaths, createNode, type HostConfig, type Node } from '../../../src-main/host/index.ts';
import { GREEDY, type SamplingOptions } from '../../../src-main/inference/index.ts';
import type { OpenPipelineRequest, Pipeline, SpeculationStats } from '../../../src-main/pipeline/index.ts';
import type { Decoded, Work } from './system.ts';

/** The coordinator on a host of its own: opens a pipeline over nodes elsewhere and reads tokens. */
export interface CoordinatorStart {
  readonly config: HostConfig;
  readonly modelHash: string;
  readonly route: readonly { readonly peer: string; readonly addresses: readonly string[]; readonly layers: { readonly first: number; readonly last: number } }[];
}
/** An answer, and how it is to come about; as for any system when nothing more is said. */
export interface OmniWork extends Work {
  /** Greedy when absent. */
  readonly sampling?: SamplingOptions;
  /** No guessing when absent. */
  readonly speculate?: OpenPipelineRequest['speculate'];
}
export interface OmniDecoded extends Decoded {
  readonly speculation: SpeculationStats | undefined;
}
/** Asks how long a TCP connection takes to stand: one round trip and a little. */
export interface Knock {
  readonly host: string;
  readonly port: number;
}
export type Answer = { readonly type: 'ready' } | { readonly type: 'decoded'; readonly decoded: OmniDecoded } | { readonly type: 'knocked'; readonly ms: number };

const BATCH_TOKENS = 256;
let node: Node | undefined;
let open: ((speculate: OmniWork['speculate']) => Promise<Pipeline>) | undefined;

async function start({ config, modelHash, route }: CoordinatorStart): Promise<Answer> {
  node = await createNode({ settings: { config, secrets: { uiToken: '' } }, paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  const { coordinator } = node;
  const pipelines = new Map<OmniWork['speculate'], Promise<Pipeline>>();
  // They share the stages' engines.
  open = (speculate = false) => {
    const pipeline = pipelines.get(speculate) ?? coordinator.openPipeline({
      route: route.map(({ peer, ...rest }) => ({ peer: asPeerId(peer), ...rest })),
      modelHash, contextTokens: config.contextTokens, batchTokens: Math.min(BATCH_TOKENS, config.contextTokens), dtype: 'f32', speculate,
    });
    pipelines.set(speculate, pipeline);
    return pipeline;
  };
  await open(false);
  return { type: 'ready' };
}

async function decode({ prompt, tokens: maxTokens, sampling = { ...GREEDY, seed: 0 }, speculate }: OmniWork): Promise<Answer> {
  if (open === undefined) throw new Error('start comes first');
  const pipeline = await open(speculate);
  const tokens: number[] = [];
  const timesMs: number[] = [];
  const generation = pipeline.generate({ promptTokens: Int32Array.from(prompt), sampling, maxTokens, endTokens: [] });
  for await (const { token } of generation) {
    tokens.push(token);
    timesMs.push(systemClock.monotonicMs());
  }
  const { stats } = await generation.result;
  return { type: 'decoded', decoded: { tokens, timesMs, speculation: stats.speculation } };
}

async function knock({ host, port }: Knock): Promise<Answer> {
  const begun = systemClock.monotonicMs();
  const socket = connect({ host, port });
  await once(socket, 'connect');
  const ms = systemClock.monotonicMs() - begun;
  socket.destroy();
  return { type: 'knocked', ms };
}

function answer(message: CoordinatorStart | OmniWork | Knock): Promise<Answer> {
  if ('route' in message) return start(message);
  return 'prompt' in message ? decode(message) : knock(message);
}

process.on('message', (message: CoordinatorStart | OmniWork | Knock) => void answer(message).then((result) => process.send?.(result), (error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}));
process.on('disconnect', () => process.exit(0));
