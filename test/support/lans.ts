import { execFileSync } from 'node:child_process';
import type { NetworkHost } from './network.ts';

/**
 * How a home router hands out ports: `cone` keeps one outside port for an inside port, whoever it talks to; `symmetric` takes another, random
 * one for each it talks to. Both let in answers only (RFC 4787: address and port dependent filtering).
 */
export type Nat = 'cone' | 'symmetric';

export interface LansOptions {
  /** Hosts with an address that anybody reaches. */
  readonly publicHosts: number;
  readonly lans: readonly { readonly hosts: number; readonly nat: Nat }[];
}

export interface Lan {
  readonly router: NetworkHost;
  readonly hosts: readonly NetworkHost[];
}

/** An internet of its own: public hosts, and LANs behind routers. All LANs have the same private addresses, as homes do. */
export interface Internet {
  readonly publicHosts: readonly NetworkHost[];
  readonly lans: readonly Lan[];
  /** Removes all of it; also done when this process exits in any way but SIGKILL. */
  stop(): void;
}

// Looks like the internet to all who tell public addresses from private ones; no packet leaves the namespaces.
const INTERNET = '11.7.0.';
const FIRST_PUBLIC_HOST = 101;
const HOME = '192.168.1.';
const GATEWAY = 1;
const FIRST_HOST = 10;
const INSTALL_TIMEOUT_MS = 60_000;
let internets = 0;

const run = (command: string, args: readonly string[], input = ''): string => execFileSync(command, args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
const ip = (...args: string[]): string => run('ip', args);
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message.trim() : String(error));

/** Why there can be no such network here; undefined where there can. Installs Debian's nftables where root lacks it. */
export function whyNoLans(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  try {
    if (!hasNft()) execFileSync('apt-get', ['install', '-y', 'nftables'], { stdio: 'pipe', timeout: INSTALL_TIMEOUT_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    createInternet({ publicHosts: 0, lans: [{ hosts: 0, nat: 'cone' }] }).stop();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function hasNft(): boolean {
  try {
    run('nft', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** Needs Linux, root, iproute2 and nftables (`whyNoLans`), and leaves nothing behind when it throws. */
export function createInternet(options: LansOptions): Internet {
  const net = new Namespaces(`omn-${process.pid}-i${internets++}`);
  try {
    return net.build(options);
  } catch (error) {
    net.remove();
    throw error;
  }
}

/** Packets that hosts of a LAN have sent to the internet so far. */
export function sentOut({ router }: Lan): number {
  const [, packets] = /packets (\d+)/.exec(run('ip', ['netns', 'exec', router.name, 'nft', 'list', 'counter', 'ip', 'home', 'sent'])) ?? [];
  return Number(packets);
}

/** Bytes that came to a host so far, with the headers of all layers. */
export function receivedBy({ name }: NetworkHost): number {
  return Number(run('ip', ['netns', 'exec', name, 'cat', '/sys/class/net/eth0/statistics/rx_bytes']));
}

/** From now on a router passes no UDP on, as those of many offices do. */
export const holdUdp = ({ router }: Lan): void => void run('ip', ['netns', 'exec', router.name, 'nft', 'add', 'rule', 'ip', 'home', 'held', 'meta', 'l4proto', 'udp', 'drop']);
export const letUdp = ({ router }: Lan): void => void run('ip', ['netns', 'exec', router.name, 'nft', 'flush', 'chain', 'ip', 'home', 'held']);

/** What a router knows of connections through it, a line each, as the kernel prints them (`dport=<port>`). */
export const flowsOf = ({ router }: Lan): string => run('ip', ['netns', 'exec', router.name, 'cat', '/proc/net/nf_conntrack']);

class Namespaces {
  readonly #name: string;
  readonly #made: string[] = [];
  readonly #onExit = (): void => this.remove();
  #ports = 0;

  constructor(name: string) {
    this.#name = name;
    process.once('exit', this.#onExit);
  }

  build({ publicHosts, lans }: LansOptions): Internet {
    const internet = this.#add('x');
    this.#bridge(internet);
    return {
      publicHosts: Array.from({ length: publicHosts }, (_, i) => this.#host(`p${i}`, { bridge: internet, address: `${INTERNET}${FIRST_PUBLIC_HOST + i}` })),
      lans: lans.map(({ hosts, nat }, i) => this.#lan(i, { internet, hosts, nat })),
      stop: () => this.remove(),
    };
  }

  #lan(index: number, { internet, hosts, nat }: { readonly internet: string; readonly hosts: number; readonly nat: Nat }): Lan {
    const router = this.#host(`r${index}`, { bridge: internet, address: `${INTERNET}${index + 1}` });
    this.#bridge(router.name);
    ip('-n', router.name, 'addr', 'add', `${HOME}${GATEWAY}/24`, 'dev', 'br0');
    run('ip', ['netns', 'exec', router.name, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
    run('ip', ['netns', 'exec', router.name, 'nft', '-f', '-'], routerRules(nat));
    const host = (_: unknown, i: number): NetworkHost =>
      this.#host(`l${index}h${i}`, { bridge: router.name, address: `${HOME}${FIRST_HOST + i}`, gateway: `${HOME}${GATEWAY}` });
    return { router, hosts: Array.from({ length: hosts }, host) };
  }

  #host(suffix: string, { bridge, address, gateway }: { readonly bridge: string; readonly address: string; readonly gateway?: string }): NetworkHost {
    const name = this.#add(suffix);
    const port = `port${this.#ports++}`;
    ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', port, 'netns', bridge);
    ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up');
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    // Multicast wants a route too, so a host without a gateway gets one to its own network.
    ip('-n', name, 'route', 'add', 'default', ...(gateway === undefined ? [] : ['via', gateway]), 'dev', 'eth0');
    return { name, address, prefix: ['ip', 'netns', 'exec', name] };
  }

  #bridge(name: string): void {
    ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    ip('-n', name, 'link', 'set', 'br0', 'up');
  }

  #add(suffix: string): string {
    const name = `${this.#name}${suffix}`;
    ip('netns', 'add', name);
    this.#made.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  remove(): void {
    process.off('exit', this.#onExit);
    for (const name of this.#made.splice(0)) try { ip('netns', 'del', name); } catch { /* gone already */ }
  }
}

// What comes uninvited is dropped without a word, on its way in and to the router itself: an answer would close the hole that a peer is about to punch.
const routerRules = (nat: Nat): string => `
table ip home {
  counter sent { }
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "eth0" masquerade${nat === 'symmetric' ? ' fully-random' : ''}
  }
  chain held { }
  chain through {
    type filter hook forward priority filter; policy drop;
    jump held
    iifname "br0" oifname "eth0" counter name "sent"
    ct state established,related accept
    ct status dnat accept
    iifname "br0" accept
  }
  chain in {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname { "br0", "lo" } accept
  }
}
`;
