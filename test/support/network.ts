import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A host of a network: a namespace of its own, or (`prefix` empty) this machine. */
export interface NetworkHost {
  readonly name: string;
  /** IPv4. */
  readonly address: string;
  /** What a command is started through, to run on this host. */
  readonly prefix: readonly string[];
}

/** Hosts of which any two are the same round trip time apart. */
export interface Network {
  readonly hosts: readonly NetworkHost[];
  /** What holds packets back: the kernel's netem, or the program `delayLine`; `none` without a delay. */
  readonly delay: 'netem' | 'delay line' | 'none';
  /** Removes all of it; also done when this process exits in any way but SIGKILL. */
  stop(): void;
}

export interface NetworkOptions {
  readonly hosts: number;
  readonly rttMs: number;
  /** A program built from test/perf/rpc/delay-line.cc, asked for only where the kernel has no netem. */
  readonly delayLine: () => Promise<string>;
}

const SUBNET = '10.77.0.';
const CONGESTION_CONTROL = '/proc/sys/net/ipv4/tcp_congestion_control';
const MS = 1000;
let networks = 0;

const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const ip = (...args: string[]): string => run('ip', ...args);

/** Every host is this machine, reached over its loopback: what is left where namespaces cannot be made. */
export function loopbackNetwork(hosts: number): Network {
  const host = (_: unknown, i: number): NetworkHost => ({ name: `host${i}`, address: '127.0.0.1', prefix: [] });
  return { hosts: Array.from({ length: hosts }, host), delay: 'none', stop: () => undefined };
}

/** Pulls the plug of a host in a namespace: nothing comes or goes, and nobody is told. */
export const cutOff = ({ name }: NetworkHost): void => void ip('-n', name, 'link', 'set', 'eth0', 'down');

export function plugIn(host: NetworkHost): void {
  ip('-n', host.name, 'link', 'set', 'eth0', 'up');
  // Routes go with their device.
  ip('-n', host.name, 'route', 'replace', `${SUBNET}0/24`, 'dev', 'eth0', 'src', host.address);
}

/** A module in a process on a host. `ip netns exec` becomes the program that it starts, so that the IPC channel holds. */
export function forkOn({ prefix }: NetworkHost, module: string, args: readonly string[] = []): ChildProcess {
  const [execPath = process.execPath, ...execArgv] = [...prefix, process.execPath];
  return fork(module, args, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execPath, execArgv });
}

/** Network namespaces on one switch. Needs Linux, root and iproute2, and leaves nothing behind when it throws. */
export async function createNetwork({ hosts, rttMs, delayLine }: NetworkOptions): Promise<Network> {
  const spaces = new Spaces(hosts);
  try {
    spaces.add();
    const delay = rttMs === 0 ? 'none' : await addDelay(spaces, rttMs, delayLine);
    return { hosts: spaces.hosts, delay, stop: () => spaces.remove() };
  } catch (error) {
    spaces.remove();
    throw error;
  }
}

async function addDelay(spaces: Spaces, rttMs: number, delayLine: NetworkOptions['delayLine']): Promise<'netem' | 'delay line'> {
  // Half the time on each host's way out.
  const delayUs = (rttMs * MS) / 2;
  try {
    for (const { name } of spaces.hosts) addNetem(name, delayUs);
    return 'netem';
  } catch {
    spaces.onRemove = await startDelayLine(await delayLine(), spaces, delayUs);
    return 'delay line';
  }
}

// The limit is in packets, and more than the largest window of TCP.
const addNetem = (name: string, delayUs: number): unknown =>
  run('tc', '-n', name, 'qdisc', 'add', 'dev', 'eth0', 'root', 'netem', 'delay', `${delayUs}us`, 'limit', '65536');

/** Packets go through the program instead of the switch. Returns what ends it. */
async function startDelayLine(program: string, spaces: Spaces, delayUs: number): Promise<() => void> {
  const child = spawn(program, [String(delayUs), ...spaces.hosts.map(({ name, address }) => `${name}=${address}`)], { stdio: ['pipe', 'pipe', 'inherit'] });
  await saysReady(child);
  for (const host of spaces.hosts) {
    ip('-n', host.name, 'link', 'set', 'wan0', 'up', 'txqueuelen', '65536');
    spaces.routeOver(host, 'wan0');
  }
  return () => void child.kill('SIGKILL');
}

/** Resolves with the line `ready` of a program; rejects when it ends before. */
export async function saysReady({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new TypeError('the program has no stdout');
  const lines = createInterface(stdout);
  const ready = new Promise<void>((resolve) => void lines.on('line', (line) => { if (line === 'ready') resolve(); }));
  const gone = once(lines, 'close').then(() => Promise.reject(new Error('a program ended at its start')));
  gone.catch(() => undefined);
  await Promise.race([ready, gone]);
}

/** Namespaces joined by a switch in one more. A host's address is on `lo`, whichever device leads to it. */
class Spaces {
  readonly hosts: readonly NetworkHost[];
  onRemove: (() => void) | undefined;
  readonly #switch: string;
  readonly #onExit = (): void => this.remove();

  constructor(hosts: number) {
    const name = `omn-${process.pid}-${networks++}`;
    this.#switch = `${name}x`;
    this.hosts = Array.from({ length: hosts }, (_, i) => {
      const host = `${name}h${i}`;
      return { name: host, address: `${SUBNET}${i + 1}`, prefix: ['ip', 'netns', 'exec', host] };
    });
  }

  add(): void {
    process.once('exit', this.#onExit);
    ip('netns', 'add', this.#switch);
    ip('-n', this.#switch, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', this.#switch, 'link', 'set', 'br0', 'up');
    for (const [i, host] of this.hosts.entries()) this.#addHost(host, `port${i}`);
  }

  #addHost(host: NetworkHost, port: string): void {
    const { name, address } = host;
    ip('netns', 'add', name);
    ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', port, 'netns', this.#switch);
    ip('-n', this.#switch, 'link', 'set', port, 'master', 'br0', 'up');
    ip('-n', name, 'addr', 'add', `${address}/32`, 'dev', 'lo');
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
    this.routeOver(host, 'eth0');
    // Led by loss alone, as Linux is unless told otherwise; which of the two a namespace may use is up to the kernel.
    const [command = '', ...args] = host.prefix;
    run(command, ...args, 'sh', '-c', `for c in cubic reno; do echo $c 2>/dev/null >${CONGESTION_CONTROL} && break; done; true`);
  }

  routeOver({ name, address }: NetworkHost, device: string): void {
    ip('-n', name, 'route', 'replace', `${SUBNET}0/24`, 'dev', device, 'src', address);
  }

  remove(): void {
    process.off('exit', this.#onExit);
    this.onRemove?.();
    // Best effort: one may be missing when making them failed half way.
    for (const name of [...this.hosts.map((host) => host.name), this.#switch]) try { ip('netns', 'del', name); } catch { /* was not there */ }
  }
}
