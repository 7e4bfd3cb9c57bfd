import { useEffect, useRef, useState } from 'react';
import type { HeldModel } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useHost } from '../stores/context.ts';
import { formatBytes } from '../stores/format.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { FitBadge } from './models/fit-badge.tsx';
import { SwitchNotice, useSwitching } from './models/use-model.tsx';
import { useModelList } from './models/use-models.ts';

/** Which model answers, and the choice of another. Nothing on a host whose models cannot be changed. */
export function ModelPicker({ onMore }: { readonly onMore: () => void }) {
  const { models: texts } = useTexts();
  const isOffered = useHost((view) => view.state?.models !== undefined);
  const name = useHost((view) => view.state?.info.model?.name);
  const status = useHost((view) => view.state?.status);
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  if (!isOffered) return null;
  const shown = status?.kind === 'loading' ? texts.pickerLoading(status.model) : name === undefined ? texts.pickerNone : texts.picker(name);
  return (
    <div className="picker">
      <button ref={button} type="button" className="quiet picker-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}><span>{shown}</span><span className="picker-arrow" aria-hidden="true">▾</span></button>
      {isOpen && <PickerPanel onClose={close} onMore={onMore} />}
    </div>
  );
}

function PickerPanel({ onClose, onMore }: { readonly onClose: () => void; readonly onMore: () => void }) {
  const { models: texts } = useTexts();
  const { list, error } = useModelList();
  const status = useHost((view) => view.state?.status);
  const switching = useSwitching(onClose);
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.focus(), []);
  useEffect(() => {
    // Wherever the focus is: a choice that is being made cannot have it.
    const onKey = (event: KeyboardEvent): void => { if (event.key === 'Escape') onClose(); };
    const onDown = (event: PointerEvent): void => { if (event.target instanceof Node && panel.current?.parentElement?.contains(event.target) === false) onClose(); };
    window.addEventListener('pointerdown', onDown);
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('pointerdown', onDown);
      window.removeEventListener('keydown', onKey);
    };
  }, [onClose]);
  return (
    <div className="picker-panel" ref={panel} tabIndex={-1} role="group" aria-label={texts.pickerTitle}>
      {status?.kind === 'loading' && <p className="muted" role="status">{texts.pickerLoading(status.model)}{status.progress !== undefined && <progress max={1} value={status.progress} aria-label={texts.progressOf(status.model)} />}</p>}
      <SwitchNotice switching={switching} />
      {error !== undefined && <ErrorCard error={error} />}
      {list === undefined && error === undefined && <p className="muted" role="status">{texts.loading}</p>}
      <ul>{list?.models.filter(({ kind }) => kind !== 'pieces').map((model) => <Choice key={model.id} model={model} isBusy={switching.task.kind === 'busy'} onChoose={() => switching.choose(model.id)} />)}</ul>
      <button type="button" className="picker-more" onClick={onMore}>{texts.pickerMore}</button>
    </div>
  );
}

function Choice({ model: { name, sizeBytes, quantization, usability, fit }, isBusy, onChoose }: { readonly model: HeldModel; readonly isBusy: boolean; readonly onChoose: () => void }) {
  const { models: texts } = useTexts();
  const isServed = usability === 'in-use';
  const why = usability === 'in-use' || usability === 'can' ? undefined : texts.whyNot[usability];
  return (
    <li>
      <button type="button" className="model-choice" aria-current={isServed ? 'true' : undefined} disabled={isBusy || isServed || usability !== 'can'} title={why} onClick={onChoose}>
        <span className="model-choice-name">{name}</span>
        {isServed ? <span className="badge badge-use">{texts.inUse}</span> : fit !== undefined && <FitBadge fit={fit} />}
        <span className="model-choice-facts">{[formatBytes(sizeBytes), quantization].filter((fact) => fact !== undefined).join(' · ')}</span>
        {why !== undefined && <span className="model-choice-facts">{why}</span>}
      </button>
    </li>
  );
}
