import { setTimeout } from 'node:timers/promises';
import { endsIn, type PeerId } from '../../base/index.ts';
import type { Candidate } from '../../pipeline/index.ts';
import type { Node } from '../node.ts';

/** Others are heard of a moment after this node has started. */
const FIRST_MS = 3_000;
/** Asked at once, those that are connected first. */
const MAX_ASKED = 64;

type Around = Pick<Node, 'mesh' | 'presence' | 'discovery'>;

/** Members that compute for others, by what they told, with the addresses at which they may be reached, each with the peer id at its end. Asks nobody. */
export function servingMembers({ mesh, presence, discovery }: Around): readonly Candidate[] {
  const connected = new Map(mesh.peers().map((one) => [one.peer, one]));
  const serving = (presence?.members() ?? []).filter(({ profile }) => profile.limits?.serves !== false).map(({ peer }) => peer);
  return serving.toSorted((a, b) => Number(connected.has(b)) - Number(connected.has(a))).slice(0, MAX_ASKED).map((peer) => {
    const now = connected.get(peer);
    const [here, known] = [now === undefined ? [] : [withId(now.address, peer)], discovery?.addressesOf(peer).map(({ address }) => withId(address, peer)) ?? []];
    // Neighbours in the ring dial it there: one that called us came from a port where nobody listens.
    return { peer, addresses: [...new Set(now?.direction === 'outbound' ? [...here, ...known] : [...known, ...here])] };
  });
}

/** Waits a moment for the first one, where there is none yet. */
export async function firstMembers(around: Around, signal: AbortSignal): Promise<readonly Candidate[]> {
  const now = servingMembers(around);
  const { presence } = around;
  if (now.length > 0 || presence === undefined) return now;
  const over = new AbortController();
  const seen = Promise.withResolvers<void>();
  const look = (): void => { if (servingMembers(around).length > 0) seen.resolve(); };
  const offs = [presence.events.on('peer:joined', look), presence.events.on('peer:changed', look)];
  try {
    await Promise.race([seen.promise, setTimeout(FIRST_MS, undefined, { signal: AbortSignal.any([signal, over.signal]) })]);
  } finally {
    over.abort();
    for (const off of offs) off();
  }
  return servingMembers(around);
}

/** The signature where nobody serves. */
export const NOBODY = '[]';

/** Who serves, and how much of it: while it stays the same there is nothing new to plan with. */
export const servingSignature = ({ presence }: Pick<Node, 'presence'>): string => JSON.stringify((presence?.members() ?? [])
  .flatMap(({ peer, profile: { limits } }) => (limits?.serves === false ? [] : [[peer, limits?.memoryBytes ?? null, limits?.fetchesLayersFor ?? null]])).toSorted(([a], [b]) => String(a).localeCompare(String(b))));

const withId = (address: string, peer: PeerId): string => (endsIn(address, peer) ? address : `${address}/p2p/${peer}`);
