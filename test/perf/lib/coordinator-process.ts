import { once } from 'node:events';
import { connect } from 'node:net';
import { asPeerId, systemClock } from '../../../src-main/base/index.ts';
import { appPaths, createNode, type HostConfig, type Node } from '../../../src-main/host/index.ts';
import { GREEDY } from '../../../src-main/inference/index.ts';
import type { Pipeline } from '../../../src-main/pipeline/index.ts';
import type { Decoded, Work } from './system.ts';

/** The coordinator on a host of its own: opens a pipeline over nodes elsewhere and reads tokens. */
export interface CoordinatorStart {
  readonly config: HostConfig;
  readonly modelHash: string;
  readonly route: readonly { readonly peer: string; readonly addresses: readonly string[]; readonly layers: { readonly first: number; readonly last: number } }[];
}
/** Asks how long a TCP connection takes to stand: one round trip and a little. */
export interface Knock {
  readonly host: string;
  readonly port: number;
}
export type Answer = { readonly type: 'ready' } | { readonly type: 'decoded'; readonly decoded: Decoded } | { readonly type: 'knocked'; readonly ms: number };

let node: Node | undefined;
let pipeline: Pipeline | undefined;

async function start({ config, modelHash, route }: CoordinatorStart): Promise<Answer> {
  node = await createNode({ settings: { config, secrets: { uiToken: '' } }, paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  pipeline = await node.coordinator.openPipeline({
    route: route.map(({ peer, ...rest }) => ({ peer: asPeerId(peer), ...rest })),
    modelHash, contextTokens: config.contextTokens, batchTokens: config.contextTokens, dtype: 'f32',
  });
  return { type: 'ready' };
}

async function decode({ prompt, tokens: maxTokens }: Work): Promise<Answer> {
  if (pipeline === undefined) throw new Error('start comes first');
  const tokens: number[] = [];
  const timesMs: number[] = [];
  for await (const { token } of pipeline.generate({ promptTokens: Int32Array.from(prompt), sampling: { ...GREEDY, seed: 0 }, maxTokens, endTokens: [] })) {
    tokens.push(token);
    timesMs.push(systemClock.monotonicMs());
  }
  return { type: 'decoded', decoded: { tokens, timesMs } };
}

async function knock({ host, port }: Knock): Promise<Answer> {
  const begun = systemClock.monotonicMs();
  const socket = connect({ host, port });
  await once(socket, 'connect');
  const ms = systemClock.monotonicMs() - begun;
  socket.destroy();
  return { type: 'knocked', ms };
}

function answer(message: CoordinatorStart | Work | Knock): Promise<Answer> {
  if ('route' in message) return start(message);
  return 'prompt' in message ? decode(message) : knock(message);
}

process.on('message', (message: CoordinatorStart | Work | Knock) => void answer(message).then((result) => process.send?.(result), (error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}));
process.on('disconnect', () => process.exit(0));
