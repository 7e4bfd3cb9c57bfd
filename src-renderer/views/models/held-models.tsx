import { useState } from 'react';
import type { HeldModel } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts, type Texts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { formatBytes, formatUntil } from '../../stores/format.ts';
import { useTask } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { FitBadge, fitDetail } from './fit-badge.tsx';
import { LayerMapView } from './layer-map.tsx';
import { SwitchNotice, useSwitching, type Switching } from './use-model.tsx';

/** All models of which something is here. */
export function HeldModels({ models }: { readonly models: readonly HeldModel[] }) {
  const texts = useTexts().models;
  const switching = useSwitching();
  return (
    <>
      <SwitchNotice switching={switching} />
      <ul className="models">{models.map((model) => <ModelRow key={model.id} model={model} switching={switching} />)}</ul>
      {models.every(({ kind }) => kind === 'built-in') && <p className="muted">{texts.heldEmpty}</p>}
    </>
  );
}

function ModelRow({ model, switching }: { readonly model: HeldModel; readonly switching: Switching }) {
  const texts = useTexts().models;
  const [isMapOpen, setMapOpen] = useState(false);
  const { name, usability, fit } = model;
  const why = usability === 'in-use' || usability === 'can' ? undefined : texts.whyNot[usability];
  return (
    <li className="model">
      <div className="model-head">
        <h3>{name}</h3>
        {usability === 'in-use' ? <span className="badge badge-use">{texts.inUse}</span> : fit !== undefined && <FitBadge fit={fit} />}
      </div>
      <p className="model-facts">{factsOf(model, texts).join(' · ')}</p>
      {why !== undefined && <p className="model-why">{usability === 'too-large' && fit !== undefined && `${sentence(fitDetail(fit, texts))} `}{why}</p>}
      <Actions model={model} switching={switching} isMapOpen={isMapOpen} onMap={() => setMapOpen(!isMapOpen)} />
      {isMapOpen && <LayerMapView model={model} />}
    </li>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function factsOf({ kind, isOwned, quantization, architecture, layers, sizeBytes, heldBytes, trainedTokens, usedAtMs, cutBytes }: HeldModel, texts: Texts['models']): string[] {
  return [
    kind === 'pieces' ? texts.partlyHere(formatBytes(heldBytes), formatBytes(sizeBytes)) : formatBytes(sizeBytes), quantization, architecture,
    layers === undefined ? undefined : texts.layersCount(layers), trainedTokens === undefined ? undefined : texts.trainedFor(formatNumber(trainedTokens)),
    cutBytes > 0 && kind !== 'pieces' ? texts.cutsTake(formatBytes(cutBytes)) : undefined,
    kind === 'built-in' ? texts.builtIn : kind === 'file' && !isOwned ? texts.yours : undefined,
    usedAtMs === undefined ? undefined : texts.usedAt(formatUntil(usedAtMs)),
  ].filter((fact) => fact !== undefined);
}

interface ActionsProps {
  readonly model: HeldModel;
  readonly switching: Switching;
  readonly isMapOpen: boolean;
  readonly onMap: () => void;
}

function Actions({ model: { id, name, kind, usability, isPinned, isOwned, fileBytes, cutBytes }, switching, isMapOpen, onMap }: ActionsProps) {
  const { client } = useApp();
  const texts = useTexts().models;
  const isReady = useHost(({ link, state }) => link === 'online' && state?.status.kind !== 'loading');
  const [isAsking, setAsking] = useState(false);
  const [task, run] = useTask<unknown>();
  const remove = (): void => {
    setAsking(false);
    run(client.call('models.remove', { id }));
  };
  return (
    <>
      <div className="model-actions">
        {usability === 'can' && <button type="button" className="quiet strong" aria-label={texts.useNamed(name)} disabled={!isReady || switching.task.kind === 'busy'} onClick={() => switching.choose(id)}>{texts.use}</button>}
        <button type="button" className="quiet" aria-label={texts.layersNamed(name)} aria-expanded={isMapOpen} onClick={onMap}>{texts.layersOf}</button>
        {kind !== 'built-in' && isOwned && <button type="button" className="quiet" aria-pressed={isPinned} aria-label={isPinned ? texts.unpinNamed(name) : texts.pinNamed(name)} title={isPinned ? texts.unpinNamed(name) : texts.pinNamed(name)} onClick={() => run(client.call('models.pin', { id, isPinned: !isPinned }))}>{isPinned ? texts.unpin : texts.pin}</button>}
        {kind !== 'built-in' && usability !== 'in-use' && <button type="button" className="quiet" aria-label={texts.removeNamed(name)} aria-expanded={isAsking} onClick={() => setAsking(!isAsking)}>{texts.remove}</button>}
      </div>
      {isAsking && (
        <div className="switch-ask" role="group" aria-label={texts.removeNamed(name)}>
          <p>{isOwned || cutBytes > 0 ? texts.removeAsk(name, formatBytes(fileBytes + cutBytes)) : texts.removeOwn(name)}</p>
          <button type="button" className="quiet danger" onClick={remove} autoFocus>{texts.removeYes}</button>
          <button type="button" className="quiet" onClick={() => setAsking(false)}>{texts.keep}</button>
        </div>
      )}
      {task.kind === 'failed' && <ErrorCard error={task.error} />}
    </>
  );
}
