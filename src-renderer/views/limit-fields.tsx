import { useEffect, useState, type ReactNode } from 'react';
import { CONTRIBUTE_LIMITS, WEEKDAYS, type ContributeLimits, type Contribution, type Hours } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { formatBytes } from '../stores/format.ts';

const [GB, MB, MINUTE_MS] = [1e9, 1e6, 60_000];
const WORKDAYS: Hours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '07:00' };

export interface FieldsProps {
  readonly draft: ContributeLimits;
  readonly onChange: (change: Partial<ContributeLimits>) => void;
  readonly machine: Contribution['machine'];
}

/** Hours without a day would say nothing. */
export const hasWholeHours = ({ schedule }: ContributeLimits): boolean => schedule.every(({ days }) => days.length > 0);

/** Memory, processors, upload. */
export function HowMuch({ draft, onChange, machine: { ramTotalBytes, cores } }: FieldsProps) {
  const { contribute: texts } = useTexts();
  return (
    <>
      <NumberField label={texts.memory} hint={ramTotalBytes === undefined ? texts.memoryHintAny : texts.memoryHint(formatBytes(ramTotalBytes))} unit={GB} step={0.1} value={draft.memoryBytes} onValue={(memoryBytes) => onChange({ memoryBytes })} />
      <NumberField label={texts.threads} hint={texts.threadsHint(cores)} min={1} max={512} value={draft.threads} onValue={(threads) => onChange({ threads })} />
      <GpuField draft={draft} onChange={onChange} />
      <CheckField label={texts.files} hint={texts.filesHint} isChecked={draft.shareStore} onCheck={(shareStore) => onChange({ shareStore })} />
      {draft.shareStore && <NumberField label={texts.upload} hint={texts.uploadHint} unit={MB} step={0.1} min={0.1} value={draft.uploadBytesPerSecond} onValue={(uploadBytesPerSecond) => onChange({ uploadBytesPerSecond })} />}
    </>
  );
}

function GpuField({ draft: { gpuLayers }, onChange }: Omit<FieldsProps, 'machine'>) {
  const { contribute: texts } = useTexts();
  const isSome = gpuLayers !== null && gpuLayers > 0;
  return (
    <label className="field">{texts.gpu}
      <select value={String(gpuLayers)} onChange={({ target: { value } }) => onChange({ gpuLayers: value === 'null' ? null : Number(value) })}>
        <option value="null">{texts.gpuOwn}</option><option value="0">{texts.gpuNone}</option><option value="-1">{texts.gpuAll}</option>
        {isSome && <option value={String(gpuLayers)}>{texts.gpuSome(gpuLayers)}</option>}
      </select>
    </label>
  );
}

/** On which conditions. */
export function When({ draft, onChange, machine: { knows } }: FieldsProps) {
  const { contribute: texts } = useTexts();
  return (
    <>
      <CheckField label={texts.power} hint={knows.battery ? undefined : texts.powerUnknown} isChecked={draft.onlyOnPower} onCheck={(onlyOnPower) => onChange({ onlyOnPower })} />
      <NumberField label={texts.afterIdle} hint={knows.idle ? texts.afterIdleHint : texts.idleUnknown} isDisabled={!knows.idle && draft.afterIdleMs === null} unit={MINUTE_MS} min={0.5} max={1440} step={0.5} value={draft.afterIdleMs} onValue={(afterIdleMs) => onChange({ afterIdleMs })} />
      <NumberField label={texts.maxLoad} hint={`${texts.maxLoadHint}. ${knows.heat ? texts.heat : texts.heatUnknown}`} unit={0.01} min={5} max={100} value={draft.maxLoad} onValue={(maxLoad) => onChange({ maxLoad })} isShare />
    </>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly value: number | null;
  /** What one on the screen is in the value. */
  readonly unit?: number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly isDisabled?: boolean;
  /** Not rounded to a whole number. */
  readonly isShare?: boolean;
  readonly onValue: (value: number | null) => void;
}

function NumberField({ label, hint, value, unit = 1, min = 0, max, step = 1, isDisabled = false, isShare = false, onValue }: NumberFieldProps) {
  const shown = value === null ? '' : String(Number((value / unit).toFixed(2)));
  const [text, setText] = useState(shown);
  useEffect(() => setText((before) => (before !== '' && Number(before) === Number(shown) && shown !== '' ? before : shown)), [shown]);
  const onText = (next: string): void => {
    setText(next);
    const number = Number(next);
    if (next === '') onValue(null);
    else if (Number.isFinite(number) && number >= min && number <= (max ?? Infinity)) onValue(isShare ? Number((number * unit).toFixed(4)) : Math.round(number * unit));
  };
  return (
    <label className="field">{label}
      <input type="number" inputMode="decimal" min={min} max={max} step={step} disabled={isDisabled} value={text} onChange={({ target }) => onText(target.value)} />
      <span className="field-hint">{hint}</span>
    </label>
  );
}

function CheckField({ label, hint, isChecked, onCheck }: { readonly label: string; readonly hint: string | undefined; readonly isChecked: boolean; readonly onCheck: (isChecked: boolean) => void }): ReactNode {
  return (
    <label className="field field-check">
      <span><input type="checkbox" checked={isChecked} onChange={({ target }) => onCheck(target.checked)} /> {label}</span>
      {hint !== undefined && <span className="field-hint">{hint}</span>}
    </label>
  );
}

/** At which hours of which days. */
export function Schedule({ draft: { schedule }, onChange }: FieldsProps) {
  const { contribute: texts } = useTexts();
  const put = (index: number, change: Partial<Hours>): void => onChange({ schedule: schedule.map((hours, i) => (i === index ? { ...hours, ...change } : hours)) });
  return (
    <fieldset className="hours">
      <legend>{texts.hours}</legend>
      <p className="contribute-note">{texts.hoursHint}</p>
      {schedule.map((hours, index) => <HoursRow key={index} hours={hours} onPut={(change) => put(index, change)} onRemove={() => onChange({ schedule: schedule.filter((_, i) => i !== index) })} />)}
      {schedule.length < CONTRIBUTE_LIMITS.schedules && <button type="button" className="quiet" onClick={() => onChange({ schedule: [...schedule, WORKDAYS] })}>{texts.addHours}</button>}
    </fieldset>
  );
}

function HoursRow({ hours: { days, from, to }, onPut, onRemove }: { readonly hours: Hours; readonly onPut: (change: Partial<Hours>) => void; readonly onRemove: () => void }) {
  const { contribute: texts } = useTexts();
  return (
    <div className="hours-row">
      <div role="group" aria-label={texts.days} className="hours-days">
        {WEEKDAYS.map((day) => (
          <label key={day}><input type="checkbox" checked={days.includes(day)} onChange={({ target }) => onPut({ days: WEEKDAYS.filter((one) => (one === day ? target.checked : days.includes(one))) })} />{texts.day[day]}</label>
        ))}
      </div>
      <label>{texts.from} <input type="time" required value={from} onChange={({ target }) => { if (target.value !== '') onPut({ from: target.value }); }} /></label>
      <label>{texts.to} <input type="time" required value={to} onChange={({ target }) => { if (target.value !== '') onPut({ to: target.value }); }} /></label>
      <button type="button" className="quiet" onClick={onRemove}>{texts.removeHours}</button>
    </div>
  );
}
