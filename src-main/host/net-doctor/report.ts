import type { KnownMember, Trouble } from '../../api/index.ts';
import type { Reachability } from '../../mesh/index.ts';
import type { Standing } from '../../../src-preload/bridge/index.ts';
import { clockFindings, type ClockFact } from './clocks.ts';
import { memberFindings, relayFindings } from './members.ts';
import { isLoopback, portOf, shortened, shortPeer } from './words.ts';

/** What was found out about this node's part in the mesh; what was not looked at is undefined. */
export interface NetFacts {
  /** The node that runs with this home, which was asked; undefined: none does, and a passing one looked. */
  readonly running: { readonly peerId: string; readonly pid: number; readonly trouble?: Trouble } | undefined;
  /** Where it listens, or would: as configured, once that was tried; a failure where it could not. */
  readonly listening: { readonly addresses: readonly string[] } | { readonly trouble: Trouble };
  readonly zone: (Standing['zone'] & { readonly allowed: number }) | { readonly trouble: Trouble };
  readonly reachability?: Reachability;
  readonly relays: readonly { readonly address: string; readonly isHeld: boolean; readonly trouble?: Trouble | undefined }[];
  readonly members: readonly KnownMember[];
  readonly clocks: readonly ClockFact[];
  readonly mdns: { readonly isOn: boolean; readonly hasRoute: boolean };
  /** When it was looked, unix ms. */
  readonly nowMs: number;
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
  const findings = [
    nodeFinding(facts), zoneFinding(facts), ...listenFindings(facts), reachFinding(facts), ...relayFindings(facts), ...memberFindings(facts), ...mdnsFindings(facts), ...clockFindings(facts.clocks),
  ];
  return { ok: findings.every(({ verdict }) => verdict !== 'fail'), findings };
}

const failed = (name: string, { message, next }: Trouble): NetFinding => ({ name, verdict: 'fail', detail: shortened(message), ...(next === undefined ? {} : { next }) });

function nodeFinding({ running }: NetFacts): NetFinding {
  const name = 'node';
  if (running === undefined) return { name, verdict: 'hint', detail: 'does not run with this home; a passing one looked', next: 'Start it: `omninode serve` for the app, `omninode listen` without.' };
  return running.trouble === undefined ? { name, verdict: 'ok', detail: `runs as ${shortPeer(running.peerId)} (process ${running.pid}), and was asked` } : failed(name, running.trouble);
}

const ZONES: Readonly<Record<Standing['zone']['kind'], string>> = {
  local: 'local: meets nodes of this machine and its private networks', private: 'private: meets members only', public: 'public: meets anybody',
};

function zoneFinding({ zone }: NetFacts): NetFinding {
  if ('trouble' in zone) return failed('zone', zone.trouble);
  const terms = [...(zone.name === undefined ? [] : [`key ${zone.name}`]), ...(zone.allowed === 0 ? [] : [`${zone.allowed} on the allow-list`])];
  return { name: 'zone', verdict: 'ok', detail: `${ZONES[zone.kind]}${terms.length === 0 ? '' : ` (${terms.join(', ')})`}` };
}

function listenFindings({ running, listening, reachability }: NetFacts): NetFinding[] {
  if ('trouble' in listening) return [failed('listen', listening.trouble)];
  const own = listening.addresses.map((address) => address.replace(/\/p2p\/[^/]+$/, '')).filter((address) => !address.includes('/p2p-circuit'));
  if (own.length === 0) return [{ name: 'listen', verdict: 'hint', detail: 'on nothing: others cannot dial this node', next: 'Name an address in `listen` of config.json if they should.' }];
  const first: NetFinding = { name: 'listen', verdict: 'ok', detail: `${running === undefined ? 'could listen' : 'listens'} on ${own.join(', ')}${own.some((address) => /\/(tcp|udp)\/0(\/|$)/.test(address)) ? ' (the system chooses the port)' : ''}` };
  if (own.every(isLoopback)) return [first, { name: 'firewall', verdict: 'hint', detail: 'only this machine reaches it', next: 'For other machines, set `"listen": ["/ip4/0.0.0.0/tcp/4001"]` in config.json.' }];
  const ports = [...new Set(own.filter((one) => !isLoopback(one)).flatMap(portOf))];
  if (ports.length === 0) return [first, { name: 'firewall', verdict: 'hint', detail: 'the port is another one at each start', next: 'Name one in `listen` of config.json, so that firewall and router can let it in.' }];
  if (reachability?.kind === 'public') return [first, { name: 'firewall', verdict: 'ok', detail: `${ports.join(', ')}: a peer came through` }];
  return [first, { name: 'firewall', verdict: 'hint', detail: `others need ${ports.join(', ')} to be let in`, next: 'Allow it in this machine\'s firewall, and on the router for those who come from outside.' }];
}

const PRIVATE_NEXT = 'Name a relay in `relays` of config.json, ask the router (`"portMapping": "upnp"`), or forward the port there.';
const UNKNOWN_NEXT = 'Peers that are elsewhere find out once they are connected.';

function reachFinding({ reachability, running, zone, relays }: NetFacts): NetFinding {
  const name = 'reached from';
  const kind = reachability?.kind ?? 'unknown';
  if (!('trouble' in zone) && zone.kind === 'local' && kind !== 'public') return { name, verdict: 'ok', detail: 'not from the internet: zone local meets nobody from there' };
  if (reachability === undefined) return { name, verdict: 'unknown', detail: `not looked at${running === undefined ? ': only a node that runs is found out about' : ''}` };
  const detail = shortened(reachability.reason);
  if (kind === 'public') return { name, verdict: 'ok', detail: `public: anywhere (${detail})` };
  if (kind === 'unknown') return { name, verdict: 'unknown', detail: `unknown: ${detail}`, next: UNKNOWN_NEXT };
  if (relays.some(({ isHeld }) => isHeld)) return { name, verdict: 'ok', detail: `private: from elsewhere through a relay (${detail})` };
  return { name, verdict: 'hint', detail: `private: its own network only (${detail})`, next: relays.length > 0 ? 'The relay that it has gives no place now: see below.' : PRIVATE_NEXT };
}


function mdnsFindings({ mdns: { isOn, hasRoute } }: NetFacts): NetFinding[] {
  const name = 'mDNS';
  if (!isOn) return [{ name, verdict: 'ok', detail: 'off: no nodes are looked for on the local network' }];
  if (hasRoute) return [{ name, verdict: 'ok', detail: 'on, and there is a multicast route' }];
  return [{ name, verdict: 'fail', detail: 'on, but this machine has no multicast route', next: 'Connect to a network, or switch `mdns` off in config.json.' }];
}
