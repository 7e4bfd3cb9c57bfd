import { useEffect } from 'react';
import type { HeldModel, LayerMap } from '../../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { shortPeer } from '../../stores/format.ts';
import { useTask } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

type Holder = LayerMap['holders'][number];
type Ranges = Holder['held'];

const isIn = (ranges: Ranges, layer: number): boolean => ranges.some(([first, last]) => first <= layer && layer <= last);
const words = (ranges: Ranges, texts: Texts['models']): string => ranges.map(([first, last]) => texts.layerRange(first, last)).join(', ');

/** Who has which layers of a model, on disk and in memory: a row a machine, a column a layer. */
export function LayerMapView({ model: { id, name } }: { readonly model: HeldModel }) {
  const { client } = useApp();
  const texts = useTexts().models;
  const members = useHost((view) => view.state?.members);
  const stages = useHost((view) => view.state?.stages.length);
  const [task, run] = useTask<LayerMap>();
  useEffect(() => run(client.call('models.layers', { id })), [client, run, id, members, stages]);
  if (task.kind === 'failed') return <ErrorCard error={task.error} />;
  if (task.kind !== 'done') return <p className="muted">{texts.loading}</p>;
  const { layers, holders } = task.value;
  return (
    <div className="layer-map">
      <div className="layer-scroll" tabIndex={0} role="region" aria-label={texts.layerMap(name)}>
        <table>
          <thead><tr><th scope="col">{texts.machine}</th><th scope="col"><span className="unseen">{texts.layersOf}</span><span className="layer-scale" aria-hidden="true"><span>0</span><span>{layers - 1}</span></span></th></tr></thead>
          <tbody>{holders.map((holder) => <Row key={holder.peerId} holder={holder} layers={layers} />)}</tbody>
        </table>
      </div>
      <ul className="model-legend" aria-hidden="true">
        <li><span className="model-swatch layer-loaded" />{texts.legendLoaded}</li><li><span className="model-swatch layer-held" />{texts.legendHeld}</li><li><span className="model-swatch layer-none" />{texts.legendNone}</li>
      </ul>
      <p className="muted">{texts.layerCopies(holders.filter(({ isHere }) => !isHere).length)}</p>
    </div>
  );
}

function Row({ holder: { peerId, name, isHere, held, loaded }, layers }: { readonly holder: Holder; readonly layers: number }) {
  const texts = useTexts().models;
  return (
    <tr>
      <th scope="row" title={peerId}>{isHere ? texts.thisMachine : name ?? <code>{shortPeer(peerId)}</code>}</th>
      <td>
        <span className="unseen">{texts.layerText(words(held, texts), words(loaded, texts))}</span>
        <span className="layer-cells" aria-hidden="true" style={{ gridTemplateColumns: `repeat(${Math.max(1, layers)}, minmax(4px, 1fr))` }}>
          {Array.from({ length: layers }, (_, layer) => <span key={layer} title={String(layer)} className={isIn(loaded, layer) ? 'layer-loaded' : isIn(held, layer) ? 'layer-held' : 'layer-none'} />)}
        </span>
      </td>
    </tr>
  );
}
