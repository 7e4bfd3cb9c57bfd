import type { HostService, HostServiceEvents } from '../../api/index.ts';
import type { Events, Unsubscribe } from '../../base/index.ts';
import type { Node } from '../node.ts';
import { standingOf } from '../standing.ts';
import { peerView } from './peer-view.ts';
import { memberView, memberViews } from './member-views.ts';

/** Said again though nobody came or went: figures of links move. */
const FIGURES_MS = 15_000;

export type PeerService = Required<Pick<HostService, 'peers' | 'members' | 'self' | 'standing'>>;

/** Who is there, as pages and commands of the owner are shown it. */
export function peerService({ mesh, presence, zone }: Pick<Node, 'mesh' | 'presence' | 'zone'>): PeerService {
  return {
    // Who said farewell, or is heard of no more, is gone, though its connection may stand for a while.
    peers: () => mesh.peers().filter(({ peer }) => presence?.isGone(peer) !== true).map(peerView),
    standing: () => standingOf(mesh, zone),
    members: () => (presence === undefined ? [] : memberViews(presence)),
    self: () => {
      const self = presence?.self();
      return self === undefined ? undefined : memberView(self);
    },
  };
}

/** Tells `events` whenever that changes. */
export function tellPeers({ mesh, presence }: Pick<Node, 'mesh' | 'presence'>, service: PeerService, events: Events<HostServiceEvents>): Unsubscribe {
  const peers = (): void => events.emit('peers', service.peers());
  const members = (): void => events.emit('members', service.members());
  const standing = (): void => events.emit('standing', service.standing());
  const both = (): void => {
    peers();
    members();
  };
  const again = setInterval(peers, FIGURES_MS).unref();
  const offs = [
    () => clearInterval(again),
    mesh.events.on('peer:connect', peers), mesh.events.on('peer:disconnect', peers), mesh.events.on('peer:identify', peers), mesh.events.on('peer:link', peers),
    mesh.events.on('reachability', standing), mesh.events.on('relay:reserved', standing), mesh.events.on('relay:lost', standing), mesh.events.on('relay:missed', standing),
    ...(presence === undefined ? [] : [presence.events.on('peer:joined', both), presence.events.on('peer:changed', members), presence.events.on('peer:left', both)]),
  ];
  return () => { for (const off of offs) off(); };
}
