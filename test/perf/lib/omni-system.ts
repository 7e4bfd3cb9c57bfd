import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { appPaths, shardModelFile, type HostConfig, type Settings } from '../../../src-main/host/index.ts';
import { fromNodeSchema, type ToNode } from '../../../src-main/host/node-messages.ts';
import { forkOn, type Network, type NetworkHost } from '../../support/network.ts';
import type { Answer, CoordinatorStart, Knock, OmniDecoded, OmniWork } from './coordinator-process.ts';
import type { System } from './system.ts';
import { median } from './report.ts';

export interface OmniSystem extends System {
  decode(work: OmniWork): Promise<OmniDecoded>;
  /** How long a TCP connection from the coordinator to the first node takes to stand, ms: the network's round trip. */
  roundTripMs(): Promise<number>;
  /** TCP connections between nodes that are not the mesh's: the lanes of the decode steps. Undefined where all share one host. */
  lanes(): number | undefined;
}

interface BenchNode {
  readonly host: NetworkHost;
  readonly child: ChildProcess;
  readonly peer: string;
  readonly addresses: readonly string[];
  readonly meshPort: number;
}

const KNOCKS = 5;

/** This project's pipeline: a coordinator on the first host, a node process with its shard on each other one. */
export async function startOmni(settings: Settings, { hosts: [client, ...others] }: Network): Promise<OmniSystem> {
  const { manifest, shards } = await shardModelFile(settings.config, { paths: appPaths(), model: settings.config.model, plan: { kind: 'even', shards: others.length } });
  const children: ChildProcess[] = [];
  const fork = (host: NetworkHost, module: string): ChildProcess => {
    const child = forkOn(host, module);
    children.push(child);
    return child;
  };
  if (client === undefined) throw new Error('a network has hosts');
  try {
    const nodes = await Promise.all(others.map((host, i) => startNode(fork(host, appPaths().nodeProcess), host, { type: 'start', config: configOn(settings, host), shards: shards.slice(i, i + 1) })));
    const coordinator = fork(client, join(import.meta.dirname, 'coordinator-process.ts'));
    const route = nodes.map(({ peer, addresses }, i) => ({ peer, addresses, layers: shards[i]?.layers ?? { first: 0, last: 0 } }));
    await ask(coordinator, { config: configOn(settings, client), modelHash: manifest.model_hash, route });
    return systemOf(nodes, coordinator, children);
  } catch (error) {
    await stopAll(children);
    throw error;
  }
}

function systemOf(nodes: readonly BenchNode[], coordinator: ChildProcess, children: readonly ChildProcess[]): OmniSystem {
  return {
    name: 'omninode',
    decode: async (work) => {
      const answer = await ask(coordinator, work);
      if (answer.type !== 'decoded') throw new Error(`the coordinator answered ${answer.type}`);
      return answer.decoded;
    },
    roundTripMs: async () => {
      const all: number[] = [];
      for (let i = 0; i < KNOCKS; i++) {
        const answer = await ask(coordinator, { host: nodes[0]?.host.address ?? '', port: nodes[0]?.meshPort ?? 0 });
        if (answer.type === 'knocked') all.push(answer.ms);
      }
      return median(all);
    },
    lanes: () => countLanes(nodes),
    stop: () => stopAll(children),
  };
}

const configOn = ({ config }: Settings, { address }: NetworkHost): HostConfig => ({ ...config, listen: [`/ip4/${address}/tcp/0`], mdns: false });

async function startNode(child: ChildProcess, host: NetworkHost, message: ToNode): Promise<BenchNode> {
  const reply = fromNodeSchema.parse(await answerOf(child, message));
  if (reply.type !== 'ready') throw new Error(`a node did not start: ${JSON.stringify(reply)}`);
  const { peerId: peer, addresses } = reply;
  return { host, child, peer, addresses, meshPort: Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1]) };
}

const ask = (child: ChildProcess, message: CoordinatorStart | OmniWork | Knock): Promise<Answer> => answerOf(child, message) as Promise<Answer>;

/** Rejects when the process ends before it answers. */
async function answerOf(child: ChildProcess, message: object): Promise<unknown> {
  const settled = new AbortController();
  const { signal } = settled;
  const gone = once(child, 'exit', { signal }).then(([code, by]) => { throw new Error(`a process ended (${by ?? code})`); });
  child.send(message);
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal }), gone]) as [unknown];
    return answer;
  } finally {
    gone.catch(() => undefined);
    settled.abort();
  }
}

/** Every child ends with its channel; a node saves nothing. */
async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(children.map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  }));
}

function countLanes(nodes: readonly BenchNode[]): number | undefined {
  if (nodes.some(({ host }) => host.prefix.length === 0)) return undefined;
  const lanes = new Set<string>();
  for (const { host } of nodes) {
    const [command = '', ...args] = [...host.prefix, 'ss', '-Htn', 'state', 'established'];
    for (const line of execFileSync(command, args, { encoding: 'utf8' }).split('\n')) {
      const ends = line.trim().split(/\s+/).slice(-2);
      if (ends.length === 2 && ends.every((end) => isLaneEnd(nodes, end))) lanes.add(ends.sort().join());
    }
  }
  return lanes.size;
}

function isLaneEnd(nodes: readonly BenchNode[], end: string): boolean {
  const at = end.lastIndexOf(':');
  const [address, port] = [end.slice(0, at).replace(/^\[?(::ffff:)?/, '').replace(']', ''), Number(end.slice(at + 1))];
  return nodes.some(({ host }) => host.address === address) && nodes.every(({ meshPort }) => meshPort !== port);
}
