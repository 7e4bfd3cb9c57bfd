import type { Standing } from '../../src-preload/bridge/index.ts';
import { reachReason, reachText, relayText, ZONE_TEXT } from '../stores/standing.ts';

/** How this node stands in the mesh: whom it meets, and from where it is reached. */
export function StandingView({ standing }: { readonly standing: Standing }) {
  const { zone, reachability, relays } = standing;
  return (
    <dl className="standing" aria-label="This node in the mesh">
      <dt>Zone</dt>
      <dd><strong>{zone.kind}</strong>{zone.name !== undefined && <> <code title="The zone’s name; it tells nothing of its key">{zone.name}</code></>} <span>{ZONE_TEXT[zone.kind]}</span></dd>
      <dt>Reached</dt>
      <dd><strong className={`reach-${reachability.kind}`}>{reachability.kind}</strong> <span>{reachText(reachability)}</span> <span className="standing-why">{reachReason(reachability)}</span></dd>
      {relays.length > 0 && <dt>Relays</dt>}
      {relays.map((relay) => <dd key={relay.peerId}>{relayText(relay)}</dd>)}
    </dl>
  );
}
