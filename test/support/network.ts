import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
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
  /** What becomes of packets from now on. Only where the network was made with a round trip time. */
  change(weather: Weather): Promise<void>;
  /** Hosts reach those of their own group only, and nobody is told. Not where a delay line carries the packets. */
  split(...groups: ReadonlyArray<readonly NetworkHost[]>): void;
  /** All reach all again. */
  join(): void;
  /** Removes all of it; also done when this process exits in any way but SIGKILL. */
  stop(): void;
}

export interface Weather {
  readonly rttMs: number;
  /** Up to as much longer is each way, at random; packets overtake each other. */
  readonly jitterMs: number;
  /** Of the packets of each direction. */
  readonly lossPercent: number;
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
  const cannot = (): never => { throw new TypeError('nothing holds packets back on a loopback'); };
  return { hosts: Array.from({ length: hosts }, host), delay: 'none', change: () => Promise.reject(new TypeError('no weather on a loopback')), split: cannot, join: cannot, stop: () => undefined };
}

/** Why a process of this machine does not hear what another one says to a multicast group, as mDNS does; undefined where it does. */
export async function whyNoMulticast(): Promise<string | undefined> {
  const [group, word] = ['224.0.0.251', Buffer.from('heard')];
  const socket = createSocket({ type: 'udp4', reuseAddr: true }).bind(0);
  try {
    await once(socket, 'listening');
    socket.addMembership(group);
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(2_000) });
    socket.send(word, socket.address().port, group);
    await heard;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    socket.close();
  }
}

/** Pulls the plug of a host in a namespace: nothing comes or goes, and nobody is told. */
export const cutOff = ({ name }: NetworkHost): void => void ip('-n', name, 'link', 'set', 'eth0', 'down');

export function plugIn(host: NetworkHost): void {
  ip('-n', host.name, 'link', 'set', 'eth0', 'up');
  // Routes go with their device.
  ip('-n', host.name, 'route', 'replace', `${SUBNET}0/24`, 'dev', 'eth0', 'src', host.address);
}

/** Gives a host in a namespace another IPv4 address in place of its own, as a router does that was restarted. Nobody is told. */
export function readdress(host: NetworkHost, lastByte: number): NetworkHost {
  const moved = { ...host, address: `${SUBNET}${lastByte}` };
  ip('-n', host.name, 'addr', 'add', `${moved.address}/32`, 'dev', 'lo');
  ip('-n', host.name, 'route', 'replace', `${SUBNET}0/24`, 'dev', 'eth0', 'src', moved.address);
  ip('-n', host.name, 'addr', 'del', `${host.address}/32`, 'dev', 'lo');
  return moved;
}

/** A module in a process on a host. `ip netns exec` becomes the program that it starts, so that the IPC channel holds. */
export function forkOn({ prefix, flags = [] }: NetworkHost & { readonly flags?: readonly string[] }, module: string, args: readonly string[] = []): ChildProcess {
  const [execPath = process.execPath, ...execArgv] = [...prefix, process.execPath, ...flags];
  return fork(module, args, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execPath, execArgv });
}

/** Network namespaces on one switch. Needs Linux, root and iproute2, and leaves nothing behind when it throws. */
export async function createNetwork({ hosts, rttMs, delayLine }: NetworkOptions): Promise<Network> {
  const spaces = new Spaces(hosts);
  try {
    spaces.add();
    const [delay, change] = rttMs === 0 ? ['none' as const, () => Promise.reject(new TypeError('the network has no weather'))] : await addDelay(spaces, rttMs, delayLine);
    return { hosts: spaces.hosts, delay, change, split: (...groups) => spaces.split(groups), join: () => spaces.split([]), stop: () => spaces.remove() };
  } catch (error) {
    spaces.remove();
    throw error;
  }
}

async function addDelay(spaces: Spaces, rttMs: number, delayLine: NetworkOptions['delayLine']): Promise<['netem' | 'delay line', Network['change']]> {
  const calm = { rttMs, jitterMs: 0, lossPercent: 0 };
  const netem = (what: 'add' | 'change', weather: Weather): void => { for (const { name } of spaces.hosts) setNetem(name, what, weather); };
  try {
    netem('add', calm);
    return ['netem', (weather) => Promise.resolve(netem('change', weather))];
  } catch {
    return ['delay line', await startDelayLine(await delayLine(), spaces, calm)];
  }
}

// Half the time on each host's way out.
const onWayUs = ({ rttMs, jitterMs }: Weather): { readonly delayUs: number; readonly jitterUs: number } => ({ delayUs: (rttMs * MS) / 2, jitterUs: jitterMs * MS });

function setNetem(name: string, what: 'add' | 'change', weather: Weather): void {
  const { delayUs, jitterUs } = onWayUs(weather);
  // It varies to both sides of the mean. The limit is in packets, and more than the largest window of TCP.
  run('tc', '-n', name, 'qdisc', what, 'dev', 'eth0', 'root', 'netem', 'delay', `${delayUs + jitterUs / 2}us`, `${jitterUs / 2}us`, 'loss', `${weather.lossPercent}%`, 'limit', '65536');
}

/** Packets go through the program instead of the switch. Returns what changes the weather. */
async function startDelayLine(program: string, spaces: Spaces, weather: Weather): Promise<Network['change']> {
  const child = spawn(program, [String(onWayUs(weather).delayUs), ...spaces.hosts.map(({ name, address }) => `${name}=${address}`)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = saysReady(child);
  spaces.onRemove = () => void child.kill('SIGKILL');
  await said;
  for (const host of spaces.hosts) {
    ip('-n', host.name, 'link', 'set', 'wan0', 'up', 'txqueuelen', '65536');
    spaces.routeOver(host, 'wan0');
  }
  return async (next) => {
    const { delayUs, jitterUs } = onWayUs(next);
    const answered = once(child.stdout, 'data');
    child.stdin.write(`${Math.round(delayUs)} ${Math.round(jitterUs)} ${Math.round(10 * next.lossPercent)}\n`);
    await answered;
  };
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
  #bridges = 1;
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

  /** Those of no group are one more; with no groups all are one. */
  split(groups: ReadonlyArray<readonly NetworkHost[]>): void {
    if (this.onRemove !== undefined) throw new TypeError('the delay line carries the packets, not the switch');
    const inSwitch = (...args: string[]): string => ip('-n', this.#switch, 'link', ...args);
    while (this.#bridges <= groups.length) {
      inSwitch('add', `br${this.#bridges}`, 'type', 'bridge');
      inSwitch('set', `br${this.#bridges++}`, 'up');
    }
    for (const [i, { name }] of this.hosts.entries()) inSwitch('set', `port${i}`, 'master', `br${1 + groups.findIndex((group) => group.some((host) => host.name === name))}`);
  }

  remove(): void {
    process.off('exit', this.#onExit);
    this.onRemove?.();
    // Best effort: one may be missing when making them failed half way.
    for (const name of [...this.hosts.map((host) => host.name), this.#switch]) try { ip('netns', 'del', name); } catch { /* was not there */ }
  }
}
