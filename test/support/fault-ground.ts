import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { buildDelayLine } from '../perf/lib/rpc-programs.ts';
import { createNetwork, loopbackNetwork, type NetworkHost } from './network.ts';
import { TcpLines } from './tcp-lines.ts';

/** Where nodes of a faulty network run. */
export interface FaultGround {
  readonly hosts: readonly NetworkHost[];
  /** What the node on a host listens on. */
  listen(host: number): string;
  /** Multiaddr by which one host reaches the node of another, without the peer id. */
  address(from: number, to: number): string;
  /** Hosts reach those of their own group only, and nobody is told. */
  split(...groups: ReadonlyArray<readonly number[]>): void;
  join(): void;
  /** Of the packets of each direction. */
  lose(percent: number): Promise<void>;
  stop(): void;
}

const PORT = 4001;
const RTT_MS = 10;

/** `isLossy`: packets can be lost. */
export async function namespaceGround(count: number, { isLossy = false } = {}): Promise<FaultGround> {
  const network = await createNetwork({ hosts: count, rttMs: isLossy ? RTT_MS : 0, delayLine: buildDelayLine });
  const { hosts } = network;
  return {
    hosts,
    listen: () => `/ip4/0.0.0.0/tcp/${PORT}`,
    address: (_, to) => `/ip4/${hosts[to]!.address}/tcp/${PORT}`,
    split: (...groups) => network.split(...groups.map((group) => group.map((i) => hosts[i]!))),
    join: () => network.join(),
    lose: (lossPercent) => network.change({ rttMs: RTT_MS, jitterMs: RTT_MS / 2, lossPercent }),
    stop: () => network.stop(),
  };
}

/** What is left where namespaces cannot be made: nodes on the loopback, each reached by each over a line of its own. */
export async function loopbackGround(count: number): Promise<FaultGround> {
  const lines = new TcpLines();
  const ports = await freePorts(count);
  const toOthers = await Promise.all(ports.map((_, from) => Promise.all(ports.map((port, to) => lines.add({ from, to }, port)))));
  return {
    hosts: loopbackNetwork(count).hosts.map((host) => host),
    listen: (host) => `/ip4/127.0.0.1/tcp/${ports[host]}`,
    address: (from, to) => `/ip4/127.0.0.1/tcp/${toOthers[from]![to]}`,
    split: (...groups) => lines.split(...groups),
    join: () => lines.join(),
    lose: (percent) => Promise.resolve(lines.lose(percent / 100)),
    stop: () => lines.stop(),
  };
}

/** Below those that systems give to whoever dials, so that none is taken before its node listens. */
async function freePorts(count: number): Promise<number[]> {
  const [from, to] = [12_000, 32_000];
  const servers: Server[] = [];
  while (servers.length < count) {
    const server = createServer().listen(from + Math.floor(Math.random() * (to - from)), '127.0.0.1');
    await once(server, 'listening').then(() => servers.push(server), () => undefined);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Why this machine has no namespaces; undefined where it has. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  try {
    (await createNetwork({ hosts: 1, rttMs: 0, delayLine: buildDelayLine })).stop();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}
