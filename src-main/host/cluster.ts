import { once } from 'node:events';
import { CodedError, forkChild, type Child, type LayerRange, type SpawnChild } from '../base/index.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { fromNodeSchema, type ToNode } from './node-messages.ts';
import type { AppPaths } from './paths.ts';
import { shardForCluster, type ShardedModel } from './sharded-model.ts';
import type { GivenShard, ProgressSink } from './types.ts';

export interface ClusterNode {
  readonly index: number;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly layers: LayerRange;
  readonly shardBytes: number;
  readonly pid: number;
}

export interface Cluster {
  readonly model: ShardedModel;
  readonly nodes: readonly ClusterNode[];
  /** Resolves when a node ends without being asked. */
  readonly lost: Promise<Error>;
  stop(): Promise<void>;
}

export interface ClusterOptions extends ProgressSink {
  readonly nodes: number;
  readonly paths: AppPaths;
  /** How node processes are started; by default a fork. */
  readonly spawn?: SpawnChild | undefined;
  readonly signal?: AbortSignal;
}

const STOP_TIMEOUT_MS = 5_000;

/** Cuts the model into one shard per node and starts the nodes; each is given its own shard alone. */
export async function startCluster(settings: Settings, options: ClusterOptions): Promise<Cluster> {
  const model = await shardForCluster(settings.config, options);
  options.onStatus?.(`starting ${options.nodes} nodes`);
  const children: Child[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(children.map(stopChild)));
  const lost = Promise.withResolvers<Error>();
  try {
    const nodes = await Promise.all(model.shards.map(async (shard, index) => {
      const child = (options.spawn ?? forkChild)(options.paths.nodeProcess);
      children.push(child);
      child.once('exit', (code, signal) => lost.resolve(hostErrors.nodeGone({ index, how: signal ?? `exit code ${code}` })));
      return startNode(child, { settings, shard, index, signal: options.signal });
    }));
    return { model, nodes, lost: lost.promise, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface StartOptions {
  readonly settings: Settings;
  readonly shard: GivenShard;
  readonly index: number;
  readonly signal: AbortSignal | undefined;
}

async function startNode(child: Child, { settings, shard, index, signal }: StartOptions): Promise<ClusterNode> {
  const exited = once(child, 'exit').then(([code, by]) => Promise.reject(hostErrors.nodeNotStarted({ index, reason: `it ended (${by ?? code})` })));
  const config = { ...settings.config, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false };
  child.send({ type: 'start', config, shards: [shard] } satisfies ToNode);
  const [raw] = (await Promise.race([once(child, 'message', signal === undefined ? {} : { signal }), exited])) as unknown[];
  exited.catch(() => undefined);
  const reply = fromNodeSchema.parse(raw);
  if (reply.type === 'failed') throw CodedError.fromWire({ ...reply.error, ...(reply.error.next === undefined ? {} : { next: reply.error.next }) } as never);
  return { index, peerId: reply.peerId, addresses: reply.addresses, layers: shard.layers, shardBytes: shard.sizeBytes, pid: child.pid ?? 0 };
}

async function stopChild(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  if (child.connected) child.send({ type: 'stop' } satisfies ToNode);
  else child.kill('SIGKILL');
  await exited.finally(() => clearTimeout(timer));
}
