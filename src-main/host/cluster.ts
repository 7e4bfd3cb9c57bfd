import { once } from 'node:events';
import { CodedError, forkChild, type Child, type LayerRange, type PeerId, type SpawnChild } from '../base/index.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { knownMemorySpeed, memorySpeed } from './memory-speed.ts';
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
  /** Those that run at present, in order of layers. */
  readonly nodes: readonly ClusterNode[];
  /** Resolves when a node ends without being asked. */
  readonly lost: Promise<Error>;
  /** Resident memory of all nodes, as they told last; undefined until all have. Asks them again. */
  memoryBytes(): number | undefined;
  /** Starts again, as new peers with the same shards, those that ended and those that are given up; returns all that run. */
  revive(givenUp: readonly PeerId[]): Promise<readonly ClusterNode[]>;
  stop(): Promise<void>;
}

export interface ClusterOptions extends ProgressSink {
  readonly nodes: number;
  /** How many nodes are given each shard; 1 by default. */
  readonly replicas?: number;
  readonly paths: AppPaths;
  /** How node processes are started; by default a fork. */
  readonly spawn?: SpawnChild | undefined;
  /** Where each node runs when that is not simply here: in a network of its own, for example. */
  readonly place?: (index: number) => Place;
  readonly signal?: AbortSignal;
}

export interface Place {
  readonly spawn: SpawnChild;
  /** Multiaddrs. */
  readonly listen: readonly string[];
}

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0'];
const STOP_TIMEOUT_MS = 5_000;

/** Cuts the model into one shard per node and starts the nodes; each is given its own shard alone, or as many as there are replicas. */
export async function startCluster(settings: Settings, options: ClusterOptions): Promise<Cluster> {
  const model = await shardForCluster(settings.config, options);
  options.onStatus?.(`starting ${options.nodes} nodes`);
  const cluster = new NodeCluster(settings, options, model);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

interface Slot {
  readonly index: number;
  readonly shards: readonly GivenShard[];
  child?: Child;
  node: ClusterNode | undefined;
  residentBytes?: number | undefined;
}

class NodeCluster implements Cluster {
  readonly model: ShardedModel;
  readonly lost: Promise<Error>;
  readonly #lost = Promise.withResolvers<Error>();
  readonly #settings: Settings;
  readonly #options: ClusterOptions;
  readonly #slots: readonly Slot[];
  #isStopping = false;

  constructor(settings: Settings, options: ClusterOptions, model: ShardedModel) {
    this.#settings = settings;
    this.#options = options;
    this.model = model;
    this.lost = this.#lost.promise;
    this.#slots = model.shards.map((_, index) => ({ index, shards: shardsFor(model.shards, index, options.replicas ?? 1), node: undefined }));
  }

  get nodes(): readonly ClusterNode[] {
    return this.#slots.flatMap(({ node }) => node ?? []);
  }

  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#start(slot)));
    void memorySpeed();
  }

  async revive(givenUp: readonly PeerId[]): Promise<readonly ClusterNode[]> {
    for (const slot of this.#slots) if (givenUp.some((peer) => peer === slot.node?.peerId)) giveUp(slot);
    const ended = this.#isStopping ? [] : this.#slots.filter(({ node }) => node === undefined);
    // One that does not come back is no help; the others may be.
    await Promise.allSettled(ended.map((slot) => this.#start(slot)));
    return this.nodes;
  }

  memoryBytes(): number | undefined {
    const running = this.#slots.filter(({ node }) => node !== undefined);
    for (const { child } of running) if (child?.connected === true) child.send({ type: 'memory' } satisfies ToNode, () => undefined);
    const told = running.map(({ residentBytes }) => residentBytes);
    return told.length === 0 || told.includes(undefined) ? undefined : told.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#slots.flatMap(({ child }) => (child === undefined ? [] : [stopChild(child)])));
  }

  async #start(slot: Slot): Promise<void> {
    const { paths, signal, place } = this.#options;
    const { spawn, listen } = place?.(slot.index) ?? { spawn: this.#options.spawn ?? forkChild, listen: LOOPBACK };
    const child = spawn(paths.nodeProcess);
    slot.child = child;
    child.once('exit', (code, by) => {
      if (slot.child === child) slot.node = undefined;
      this.#lost.resolve(hostErrors.nodeGone({ index: slot.index, how: by ?? `exit code ${code}` }));
    });
    const node = await startNode(child, { settings: this.#settings, ...slot, listen, signal });
    slot.residentBytes = undefined;
    child.on('message', (raw) => {
      const told = fromNodeSchema.safeParse(raw).data;
      if (told?.type === 'memory' && slot.child === child) slot.residentBytes = told.residentBytes;
    });
    if (child.exitCode === null && child.signalCode === null) slot.node = node;
  }
}

// It may be frozen, or computing for ever: whatever it is, nobody waits for it.
function giveUp(slot: Slot): void {
  slot.node = undefined;
  slot.child?.kill('SIGKILL');
}

/** The shard of its own place first, then those of the next places. */
const shardsFor = (shards: readonly GivenShard[], index: number, replicas: number): GivenShard[] =>
  Array.from({ length: Math.min(replicas, shards.length) }, (_, i) => shards[(index + i) % shards.length]).filter((shard) => shard !== undefined);

interface StartOptions {
  readonly settings: Settings;
  readonly shards: readonly GivenShard[];
  readonly index: number;
  readonly listen: readonly string[];
  readonly signal: AbortSignal | undefined;
}

async function startNode(child: Child, { settings, shards, index, listen, signal }: StartOptions): Promise<ClusterNode> {
  const exited = once(child, 'exit').then(([code, by]) => Promise.reject(hostErrors.nodeNotStarted({ index, reason: `it ended (${by ?? code})` })));
  const config = { ...settings.config, listen: [...listen], mdns: false };
  const memoryBytesPerSecond = knownMemorySpeed();
  child.send({ type: 'start', config, shards: [...shards], ...(memoryBytesPerSecond === undefined ? {} : { memoryBytesPerSecond }) } satisfies ToNode);
  const [raw] = (await Promise.race([once(child, 'message', signal === undefined ? {} : { signal }), exited])) as unknown[];
  exited.catch(() => undefined);
  const reply = fromNodeSchema.parse(raw);
  if (reply.type === 'failed') throw CodedError.fromWire({ ...reply.error, ...(reply.error.next === undefined ? {} : { next: reply.error.next }) } as never);
  const { layers = { first: 0, last: 0 }, sizeBytes = 0 } = shards[0] ?? {};
  if (reply.type !== 'ready') throw hostErrors.nodeNotStarted({ index, reason: 'it said something else' });
  return { index, peerId: reply.peerId, addresses: reply.addresses, layers, shardBytes: sizeBytes, pid: child.pid ?? 0 };
}

async function stopChild(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  if (child.connected) child.send({ type: 'stop' } satisfies ToNode);
  else child.kill('SIGKILL');
  await exited.finally(() => clearTimeout(timer));
}
