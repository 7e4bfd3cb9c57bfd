import { asPeerId, peerOf, systemClock, type PeerId } from '../../base/index.ts';
import type { Ban, Mesh } from '../../mesh/index.ts';
import type { NetFinding } from '../../../src-preload/bridge/index.ts';
import { troubled } from '../net-doctor/members.ts';
import { troubleOf } from '../net-doctor/net-now.ts';
import { bare, duration, shortPeer } from '../net-doctor/words.ts';
import type { CheckSink } from './net-checks.ts';

/** Addresses that are tried of one peer. */
const MAX_TRIED = 8;
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/;

/** Who may be meant. */
export interface Acquaintance {
  readonly peerId: string;
  readonly name?: string | undefined;
}

/** What a target means, or why it means nothing. */
export type Target = { readonly peer: PeerId; readonly address?: string } | { readonly finding: NetFinding };

const unusable = (detail: string, next: string): Target => ({ finding: { name: 'target', verdict: 'fail', detail, next } });
const PASTE = 'Paste an address as `omninode listen` prints it there (/ip4/.../tcp/.../p2p/12D3KooW...), or a peer id.';

/** An address with its peer, a peer id, or the name or the last characters of somebody known; pure. */
export function readTarget(text: string, known: readonly Acquaintance[]): Target {
  if (text.startsWith('omni:')) return unusable('this is an invitation, not an address', 'Paste it below “Join by a link”: it says who invites, and connects to it.');
  if (text.startsWith('/')) {
    const peer = peerOf(text);
    if (peer === undefined) return unusable('the address does not end in a peer id (/p2p/12D3KooW...), so that nobody could tell who answers there', PASTE);
    return PEER_ID.test(peer) ? { peer, address: text } : unusable(`${peer.slice(0, 64)} is no peer id: it is cut, or mistyped`, PASTE);
  }
  if (PEER_ID.test(text)) return { peer: asPeerId(text) };
  const end = text.replace(/^[.…]+/, '');
  const meant = known.filter(({ peerId, name }) => name === text || (end.length >= 6 && peerId.endsWith(end)));
  if (meant.length === 1 && meant[0] !== undefined) return { peer: asPeerId(meant[0].peerId) };
  if (meant.length > 1) return unusable(`${meant.length} nodes are meant by that`, 'Paste the whole peer id: the table of peers copies it.');
  return unusable('this is neither an address nor the name or id of a node that is known here', PASTE);
}

export interface Reach {
  readonly mesh: Pick<Mesh, 'peerId' | 'peers' | 'dial' | 'ping'>;
  readonly peer: PeerId;
  /** In the order to try. */
  readonly addresses: readonly string[];
  /** Of it, or of a host where it is. */
  readonly ban: Ban | undefined;
}

/** Tries to reach one peer and says at each step how that went. */
export async function checkTarget({ mesh, peer, addresses, ban }: Reach, sink: CheckSink): Promise<void> {
  const findings: NetFinding[] = [];
  const tell = (finding: NetFinding): void => {
    findings.push(finding);
    sink.found(findings);
  };
  if (peer === mesh.peerId) return tell({ name: 'target', verdict: 'hint', detail: 'this is the very node that you ask', next: 'Paste the address of the other machine.' });
  const tried = addresses.slice(0, MAX_TRIED);
  tell({ name: 'target', verdict: 'ok', detail: `peer ${shortPeer(peer)}, ${tried.length === 0 ? 'whose addresses nobody told this node' : `at ${tried.length === 1 ? 'one address' : `${tried.length} addresses`}`}` });
  tell(ban === undefined ? { name: 'blocked', verdict: 'ok', detail: 'it is not blocked here' } : banned(ban));
  if (ban !== undefined) return;
  if (!isConnected(mesh, peer) && tried.length === 0) return tell({ name: 'dial', verdict: 'fail', detail: 'there is no address to try', next: `${PASTE} An invitation of that machine holds them too.` });
  if (!isConnected(mesh, peer) && !await dialEach(mesh, tried, { sink, tell })) return;
  const link = mesh.peers().find((one) => one.peer === peer);
  if (link !== undefined) tell({ name: 'connected', verdict: 'ok', detail: `${link.transport}, ${link.route}, ${link.direction === 'inbound' ? 'dialled by it' : 'dialled from here'} (${link.why})` });
  sink.doing(`Waiting for an answer of ${shortPeer(peer)}`);
  tell(await answer(mesh, peer, sink.signal));
}

const isConnected = (mesh: Pick<Mesh, 'peers'>, peer: PeerId): boolean => mesh.peers().some((one) => one.peer === peer);

function banned({ subject, reason, untilMs }: Ban): NetFinding {
  const until = untilMs === null ? 'until you lift it' : `for ${duration(untilMs - systemClock.now())} more`;
  return { name: 'blocked', verdict: 'fail', detail: `${shortPeer(subject)} is blocked here ${until}${reason === '' ? '' : `: ${reason}`}`, next: 'Unblock it in the list of blocked ones, if it may come back.' };
}

interface Telling {
  readonly sink: CheckSink;
  readonly tell: (finding: NetFinding) => void;
}

/** One after the other, until one answers. */
async function dialEach(mesh: Reach['mesh'], addresses: readonly string[], { sink, tell }: Telling): Promise<boolean> {
  for (const [index, address] of addresses.entries()) {
    if (sink.signal.aborted) return false;
    sink.doing(`Trying ${bare(address)} (${index + 1} of ${addresses.length})`);
    const startMs = systemClock.monotonicMs();
    try {
      await mesh.dial(address, { signal: sink.signal });
      tell({ name: 'dial', verdict: 'ok', detail: `${bare(address)}: it answered after ${Math.max(1, Math.round(systemClock.monotonicMs() - startMs))} ms, and is who it should be` });
      return true;
    } catch (error) {
      if (sink.signal.aborted) return false;
      const { what, next } = troubled(troubleOf(error));
      tell({ name: 'dial', verdict: 'fail', detail: `${bare(address)}: ${what}`, ...(next === undefined ? {} : { next }) });
    }
  }
  return false;
}

/** A peer of another version is met, and not understood. */
async function answer(mesh: Reach['mesh'], peer: PeerId, signal: AbortSignal): Promise<NetFinding> {
  try {
    return { name: 'answer', verdict: 'ok', detail: `it answers within ${(await mesh.ping(peer, { signal })).toFixed(1)} ms` };
  } catch (error) {
    const { what, next } = troubled(troubleOf(error));
    return { name: 'answer', verdict: 'fail', detail: `it is connected, and does not answer: ${what}`, ...(next === undefined ? {} : { next }) };
  }
}
