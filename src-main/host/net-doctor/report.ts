import type { Reachability } from '../../mesh/index.ts';

/** What was found out about this node's part in the mesh; what was not looked at is undefined. */
export interface NetFacts {
  /** Whether a node runs with this home: its connections count, and its addresses. */
  readonly isRunning: boolean;
  /** Where it listens; a failure where a passing node could not. */
  readonly listening: { readonly addresses: readonly string[] } | Trouble;
  readonly reachability?: Reachability;
  readonly members: readonly { readonly address: string; readonly trouble?: Trouble }[];
  readonly mdns: { readonly isOn: boolean; readonly hasRoute: boolean };
}

export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly next?: string;
}

/** `fail` makes the whole not well; `unknown` was not looked at, and says so. */
export type NetVerdict = 'ok' | 'hint' | 'fail' | 'unknown';

export interface NetFinding {
  readonly name: string;
  readonly verdict: NetVerdict;
  readonly detail: string;
  readonly next?: string;
}

export interface NetReport {
  readonly ok: boolean;
  readonly findings: readonly NetFinding[];
}

/** What is well, what is not, and what to do; pure. */
export function netReport(facts: NetFacts): NetReport {
  const findings = [...listenFindings(facts), reachFinding(facts), ...memberFindings(facts), mdnsFinding(facts), CLOCKS];
  return { ok: findings.every(({ verdict }) => verdict !== 'fail'), findings };
}

const CLOCKS: NetFinding = { name: 'clocks', verdict: 'unknown', detail: 'not looked at; members whose clocks differ by more than 2 min do not see each other' };

function listenFindings({ isRunning, listening }: NetFacts): NetFinding[] {
  if ('code' in listening) return [{ name: 'listen', verdict: 'fail', detail: listening.message, ...(listening.next === undefined ? {} : { next: listening.next }) }];
  const { addresses } = listening;
  const who = isRunning ? 'the node that runs' : 'no node runs; one would';
  if (addresses.length === 0) return [{ name: 'listen', verdict: 'hint', detail: `${who} listens on nothing`, next: 'Others cannot dial this node. Name an address in `listen` of config.json if they should.' }];
  const first: NetFinding = { name: 'listen', verdict: 'ok', detail: `${who} listen on ${addresses.join(', ')}`.replace('runs listen', 'runs listens') };
  if (addresses.every(isLoopback)) return [first, { name: 'firewall', verdict: 'hint', detail: 'only this machine reaches it', next: 'For others, listen on /ip4/0.0.0.0/tcp/<port> (`listen` in config.json).' }];
  return [first, { name: 'firewall', verdict: 'hint', detail: `others need ${[...new Set(addresses.filter((one) => !isLoopback(one)).flatMap(portOf))].join(', ')} to be let in`, next: 'Allow it in this machine\'s firewall, and on the router for who comes from outside.' }];
}

const isLoopback = (address: string): boolean => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address);
const portOf = (address: string): string[] => [/\/(tcp|udp)\/(\d+)/.exec(address)].flatMap((found) => (found === null ? [] : [`${found[1] ?? ''} port ${found[2] ?? ''}`]));

const REACH: Record<Reachability['kind'], NetVerdict> = { public: 'ok', private: 'hint', unknown: 'unknown' };
const PRIVATE_NEXT = 'Others reach this node only within its network. For the rest name `relays` in config.json, ask the router with `portMapping`, or forward a port.';

function reachFinding({ reachability, isRunning }: NetFacts): NetFinding {
  const name = 'reached from';
  if (reachability === undefined) return { name, verdict: 'unknown', detail: isRunning ? 'not looked at' : 'not looked at: no node runs' };
  const { kind, reason } = reachability;
  return { name, verdict: REACH[kind], detail: `${kind}: ${reason}`, ...(kind === 'private' ? { next: PRIVATE_NEXT } : {}) };
}

function memberFindings({ members, isRunning }: NetFacts): NetFinding[] {
  if (members.length === 0) return [{ name: 'members', verdict: 'hint', detail: 'none are configured', next: 'Join a mesh (`omninode join`), or name members in `peers` of config.json.' }];
  return members.map(({ address, trouble }): NetFinding => {
    if (trouble === undefined) return { name: 'member', verdict: 'ok', detail: `${address} is reached` };
    const next = trouble.next ?? (isRunning ? 'The node that runs goes on trying.' : undefined);
    return { name: 'member', verdict: 'fail', detail: trouble.message, ...(next === undefined ? {} : { next }) };
  });
}

function mdnsFinding({ mdns: { isOn, hasRoute } }: NetFacts): NetFinding {
  if (!isOn) return { name: 'mDNS', verdict: 'ok', detail: `off; ${hasRoute ? 'there is' : 'there is no'} multicast route` };
  if (hasRoute) return { name: 'mDNS', verdict: 'ok', detail: 'on, and there is a multicast route' };
  return { name: 'mDNS', verdict: 'fail', detail: 'on, but this machine has no multicast route', next: 'Connect to a network, or switch `mdns` off in config.json.' };
}
