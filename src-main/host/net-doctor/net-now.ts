import type { NetNow, Trouble } from '../../api/index.ts';
import { toCoded } from '../../base/index.ts';
import type { KnownPeer } from '../../mesh/index.ts';
import type { Node } from '../node.ts';
import { standingOf } from '../standing.ts';

/** What the members that are not reached may take to answer, all together: a dial gives up after 10 s. */
const RETRY_MS = 14_000;
const MAX_TOLD = 1_000;

type Asked = Pick<Node, 'mesh' | 'discovery' | 'presence' | 'zone'>;

/** A running node's part in the mesh, after it tried again whom it does not reach; those who ask meanwhile get the same answer. */
export function netOf(node: Asked): () => Promise<NetNow> {
  let looking: Promise<NetNow> | undefined;
  return () => (looking ??= look(node).finally(() => { looking = undefined; }));
}

const look = async (node: Asked): Promise<NetNow> => netNow(node, await node.discovery?.check(AbortSignal.timeout(RETRY_MS)) ?? []);

/** As it knows it without trying anything. */
export function netNow({ mesh, presence, zone }: Asked, known: readonly KnownPeer[]): NetNow {
  const names = new Map(presence?.members().map(({ peer, profile }) => [peer, profile.name]));
  return {
    peerId: mesh.peerId, pid: process.pid, addresses: [...mesh.addresses()].slice(0, 64), standing: standingOf(mesh, zone),
    relays: mesh.relays().map(({ relay, isHeld, error }) => ({ address: relay, isHeld, ...(error === undefined ? {} : { trouble: troubleOf(error) }) })),
    members: known.slice(0, MAX_TOLD).map((peer) => memberOf(peer, names.get(peer.peer))),
    clocks: (presence?.clocks() ?? []).map(({ peer, ...clock }) => ({ peerId: peer, ...clock })),
  };
}

const memberOf = ({ peer, addresses, isNamed, isConnected, seenAt, missed }: KnownPeer, name: string | undefined): NetNow['members'][number] => ({
  peerId: peer, addresses: addresses.slice(0, 64), isNamed, isConnected, ...(name === undefined ? {} : { name }), ...(seenAt === undefined ? {} : { seenAt }),
  ...(missed === undefined ? {} : { missed: { since: missed.since, trouble: troubleOf(missed.error) } }),
});

export function troubleOf(error: unknown): Trouble {
  const { code, message, next, meta } = toCoded(error);
  const reason = meta?.['reason'];
  return { code, message, ...(next === undefined ? {} : { next }), ...(typeof reason === 'string' ? { reason } : {}) };
}
