import { useTexts } from '../../language/index.ts';

const LINES = ['direct', 'relayed', 'others'] as const;

/** What lines and marks of the map mean. */
export function Legend() {
  const { network: { legend } } = useTexts();
  return (
    <ul className="legend" aria-label={legend.title}>
      {LINES.map((kind) => (
        <li key={kind}><svg width="28" height="10" aria-hidden="true" className={`map-link map-link-${kind}`}><line x1="0" y1="5" x2="28" y2="5" strokeWidth="2" /></svg>{legend[kind]}</li>
      ))}
      <li><svg width="16" height="16" aria-hidden="true" viewBox="-9 -9 18 18" className="map-node map-node-stage"><circle r="7" className="map-dot" /><text y="3.5" className="map-stage map-stage-small">1</text></svg>{legend.stage}</li>
      <li>{legend.rings}</li>
      <li>{legend.width}</li>
    </ul>
  );
}
