import type { KnownMember, Trouble } from '../../api/index.ts';
import { peerOf } from '../../base/index.ts';
import type { NetFacts, NetFinding } from './report.ts';
import { bare, duration, shortened, shortPeer } from './words.ts';

/** Members that are not reached, one by one; the rest is counted, so that it stays one screen. */
const SHOWN = 5;
/** Names of those that are reached. */
const NAMED = 6;

/** Of a dial, in words and what to do. */
const REASONS: Readonly<Record<string, readonly [what: string, next: string]>> = {
  refused: ['the machine is there, and nothing listens on that port', 'Start OmniNode there, and compare the port: `omninode net doctor` there says where it listens.'],
  timeout: ['no answer', 'Check that the machine is on and in this network; let the port in through its firewall, and its router if it is elsewhere.'],
  unreachable: ['there is no way there', 'Check that both machines are on networks that reach each other (`ping`).'],
  'wrong identity': ['another node answers there', 'Ask for the current address (`omninode invite` there), and put it into `peers` of config.json.'],
  outside: ['it is on the internet, and zone local meets nobody there', 'Set `zone` in config.json to `private` (with a key: `omninode zone new-key`) or `public` to reach it.'],
  unlisted: ['it is not on this node\'s allow-list', 'Add its peer id to `allowPeers` in config.json, if it belongs here.'],
  banned: ['it is banned here', '`omninode ban ls` says why and for how long, `omninode ban rm` ends it.'],
  'no handshake': ['somebody is there, and does not talk to this node: a private zone, or no OmniNode', 'Compare kind and key on both machines (`omninode zone show`); into a private zone one comes by an invitation (`omninode join LINK`).'],
  'another zone': ['somebody is there, and is not in this node\'s zone', 'Compare kind, key and allow-list on both machines: `omninode zone show`. Clocks more than 10 min apart look the same.'],
};
const BY_CODE: Readonly<Record<string, string>> = { ZONE_SILENT_PEER: 'another zone', ZONE_OUTSIDE: 'outside', ZONE_NOT_ALLOWED: 'unlisted', ZONE_BANNED: 'banned' };

/** Of a dial that failed: in words, and what to do. */
export function troubled({ code, message, next, reason = BY_CODE[code] }: Trouble): { readonly what: string; readonly next?: string } {
  const [what, todo] = REASONS[reason ?? ''] ?? [];
  if (what !== undefined && todo !== undefined) return { what, next: todo };
  return { what: shortened(message).replace(/\.$/, ''), ...(next === undefined ? {} : { next }) };
}

/** Who is reached, who is not and why; pure. */
export function memberFindings(facts: NetFacts): NetFinding[] {
  const { members } = facts;
  if (members.length === 0) return [{ name: 'members', verdict: 'hint', detail: 'this node knows nobody', next: 'Join a mesh by an invitation (`omninode join LINK`), or invite another machine (`omninode invite`).' }];
  const reached = members.filter(({ isConnected }) => isConnected);
  const missed = members.filter(({ isConnected, missed: miss }) => !isConnected && miss !== undefined);
  const untried = members.length - reached.length - missed.length;
  const summary = `${reached.length} of ${members.length} known ${members.length === 1 ? 'is' : 'are'} reached${reached.length === 0 ? '' : `: ${namesOf(reached)}`}${untried === 0 ? '' : `; ${untried} not tried, enough are there`}`;
  const sorted = missed.toSorted((a, b) => Number(b.isNamed) - Number(a.isNamed));
  return [
    // Who is missed follows, and fails by itself where it was named.
    { name: 'members', verdict: reached.length > 0 ? 'ok' : missed.some(({ isNamed }) => isNamed) ? 'hint' : 'fail', detail: summary },
    ...sorted.slice(0, SHOWN).map((member) => missedFinding(member, facts.nowMs)),
    ...(missed.length > SHOWN ? [{ name: 'members', verdict: 'hint' as const, detail: `${missed.length - SHOWN} more are not reached`, next: 'All of them: omninode net doctor --json' }] : []),
  ];
}

function namesOf(members: readonly KnownMember[]): string {
  const names = members.slice(0, NAMED).map(({ peerId, name }) => (name === undefined ? shortPeer(peerId) : `${name} (${shortPeer(peerId)})`));
  return `${names.join(', ')}${members.length > NAMED ? ` and ${members.length - NAMED} more` : ''}`;
}

function missedFinding({ peerId, name, addresses, isNamed, seenAt, missed }: KnownMember, nowMs: number): NetFinding {
  const { what, next } = troubled(missed?.trouble ?? { code: '', message: 'not reached' });
  const where = addresses[0] === undefined ? '' : ` at ${shortened(bare(addresses[0]))}`;
  const last = seenAt === undefined ? 'never reached from here' : `last connected ${duration(nowMs - seenAt)} ago`;
  const whence = isNamed ? 'in `peers` of config.json' : 'in the address book';
  // Machines of the address book come and go; one that was named is expected.
  return { name: 'member', verdict: isNamed ? 'fail' : 'hint', detail: `${name ?? shortPeer(peerId)}${where}: ${what} (${whence}, ${last})`, ...(next === undefined ? {} : { next }) };
}

export function relayFindings({ relays, running }: NetFacts): NetFinding[] {
  return relays.map(({ address, isHeld, trouble }): NetFinding => {
    const [name, where] = ['relay', `${shortPeer(peerOf(address) ?? '')} at ${bare(address)}`];
    if (isHeld) return { name, verdict: 'ok', detail: `${where}: ${running === undefined ? 'it is one, and answers' : 'others reach this node through it'}` };
    if (trouble === undefined) return { name, verdict: 'unknown', detail: `${where}: not tried yet` };
    if (trouble.code === 'MESH_RELAY_REFUSED') return { name, verdict: 'fail', detail: `${where}: ${trouble.reason ?? 'no place there'}`, next: 'Set `"relay": true` in config.json there, or name another one in `relays` here.' };
    const { what, next } = troubled(trouble);
    return { name, verdict: 'fail', detail: `${where}: ${what}; others do not reach this node through it`, ...(next === undefined ? {} : { next }) };
  });
}
