import { peerOf } from '../base/index.ts';
import { zoneName, type Mesh, type ZoneOption } from '../mesh/index.ts';
import type { Standing } from '../../src-preload/bridge/index.ts';

/** Kind and name of a zone, which tell nothing of its key. */
export const zoneView = (zone: ZoneOption): Standing['zone'] =>
  (zone.kind === 'private' && zone.key !== undefined ? { kind: zone.kind, name: zoneName(zone.key) } : { kind: zone.kind });

/** How a node stands in the mesh, as its owner is shown it. */
export const standingOf = (mesh: Pick<Mesh, 'reachability' | 'relays'>, zone: Standing['zone']): Standing => ({
  zone, reachability: mesh.reachability,
  relays: mesh.relays().flatMap(({ relay, isHeld }) => { const peerId = peerOf(relay); return peerId === undefined ? [] : [{ peerId, isHeld }]; }),
});
