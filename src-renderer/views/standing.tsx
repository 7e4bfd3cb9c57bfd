import type { Standing } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { reachReason, relayText } from '../stores/standing.ts';

/** How this node stands in the mesh: whom it meets, and from where it is reached. */
export function StandingView({ standing }: { readonly standing: Standing }) {
  const { network } = useTexts();
  const { standing: texts } = network;
  const { zone, reachability, relays } = standing;
  return (
    <dl className="standing" aria-label={texts.title}>
      <dt>{texts.zone}</dt>
      <dd><strong>{texts.zoneKinds[zone.kind]}</strong>{zone.name !== undefined && <> <code title={texts.zoneName}>{zone.name}</code></>} <span>{texts.zones[zone.kind]}</span></dd>
      <dt>{texts.reached}</dt>
      <dd><strong className={`reach-${reachability.kind}`}>{texts.reach[reachability.kind]}</strong> <span>{texts.reachFrom[reachability.kind]}</span> <span className="standing-why" lang="en">{reachReason(reachability)}</span></dd>
      {relays.length > 0 && <dt>{texts.relays}</dt>}
      {relays.map((relay) => <dd key={relay.peerId}>{relayText(relay, network)}</dd>)}
    </dl>
  );
}
