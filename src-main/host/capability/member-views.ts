import type { Member as MeshMember } from '../../mesh/index.ts';
import { MAX_MEMBERS_SHOWN, type Member } from '../../../src-preload/bridge/index.ts';
import type { NodePresence } from './node-presence.ts';

/** Of a node, what its owner is shown. */
export const memberView = ({ peer, profile: { links: _links, limits: _limits, ...profile }, startedAt, since }: MeshMember): Member => ({ ...profile, peerId: peer, startedAt, since });

/** Those that have been here longest first. */
export const memberViews = (presence: Pick<NodePresence, 'members'>): readonly Member[] =>
  presence.members().toSorted((a, b) => a.since - b.since).slice(0, MAX_MEMBERS_SHOWN).map(memberView);
