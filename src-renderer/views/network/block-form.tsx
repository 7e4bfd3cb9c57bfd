import { useId, useState, type FormEvent } from 'react';
import { NETWORK_LIMITS } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

const DURATIONS_MS = { hour: 3_600_000, day: 86_400_000, forever: undefined } as const;
type Duration = keyof typeof DURATIONS_MS;

interface BlockFormProps {
  /** Whom; without one the form asks. */
  readonly subject?: string;
  readonly onDone: (subject: string) => void;
  readonly onCancel: () => void;
}

/** Why and for how long somebody is blocked. */
export function BlockForm({ subject, onDone, onCancel }: BlockFormProps) {
  const { client } = useApp();
  const { network } = useTexts();
  const id = useId();
  const [named, setNamed] = useState('');
  const [reason, setReason] = useState('');
  const [duration, setDuration] = useState<Duration>('hour');
  const { isBusy, error, run } = useCommand();
  const whom = subject ?? named.trim();
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    const durationMs = DURATIONS_MS[duration];
    void run(() => client.call('network.block', { subject: whom, reason, ...(durationMs === undefined ? {} : { durationMs }) })).then((isDone) => { if (isDone) onDone(whom); });
  };
  return (
    <form className="block-form" onSubmit={onSubmit}>
      <p>{network.blockWhat}</p>
      {subject === undefined && <label htmlFor={`${id}-subject`}>{network.blockSubject}<input id={`${id}-subject`} value={named} maxLength={128} autoComplete="off" spellCheck={false} onChange={(event) => setNamed(event.target.value)} /></label>}
      <label htmlFor={`${id}-reason`}>{network.blockReason}<input id={`${id}-reason`} value={reason} maxLength={NETWORK_LIMITS.reasonChars} autoFocus={subject !== undefined} onChange={(event) => setReason(event.target.value)} /></label>
      <label htmlFor={`${id}-for`}>{network.blockFor}
        <select id={`${id}-for`} value={duration} onChange={(event) => setDuration(event.target.value as Duration)}>{(Object.keys(DURATIONS_MS) as Duration[]).map((key) => <option key={key} value={key}>{network.durations[key]}</option>)}</select>
      </label>
      {error !== undefined && <ErrorCard error={error} />}
      <div className="row-actions">
        <button type="submit" className="quiet danger" disabled={isBusy || whom === ''}>{network.blockNow}</button>
        <button type="button" className="quiet" onClick={onCancel}>{network.cancel}</button>
      </div>
    </form>
  );
}
