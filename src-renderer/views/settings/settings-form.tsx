import { useState, type FormEvent } from 'react';
import { FIXED_SETTINGS, HostError, type Setting, type SettingChanges, type SettingKey, type WireError } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { valueOf, writtenOf } from '../../stores/setting-fields.ts';
import { useReply } from '../../stores/use-reply.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { SettingField } from './setting-field.tsx';
import { WaitingSettings } from './waiting-settings.tsx';

type Written = Readonly<Partial<Record<SettingKey, string>>>;

/** Some settings of the configuration: changed together, or not at all where one is not what the host takes. */
export function SettingsForm({ keys }: { readonly keys: readonly SettingKey[] }) {
  const { settings: texts } = useTexts();
  const { client } = useApp();
  const { value, error: unread, set: setAll } = useReply('settings.get');
  const [written, setWritten] = useState<Written>({});
  const [error, setError] = useState<WireError>();
  const [progress, setProgress] = useState<'idle' | 'saving' | 'saved'>('idle');
  if (value === undefined) return unread === undefined ? <p className="setup-intro" role="status">{texts.loading}</p> : <ErrorCard error={unread} />;
  const { settings: all } = value;
  const shown = keys.flatMap((key) => all.find((one) => one.key === key) ?? []);
  const changes = changesOf(shown, written);
  const count = Object.keys(changes).length;
  const change = (key: SettingKey, text: string): void => {
    setWritten({ ...written, [key]: text });
    setProgress('idle');
    setError(undefined);
  };
  const save = (event: FormEvent): void => {
    event.preventDefault();
    if (count === 0) return;
    setProgress('saving');
    client.call('settings.set', { changes }).then((saved) => {
      setAll(saved);
      setWritten({});
      setProgress('saved');
    }, (failure: unknown) => {
      setProgress('idle');
      if (failure instanceof HostError) setError(failure.wire);
    });
  };
  const field = fieldOf(error);
  const isWaiting = all.some(({ waitsFor }) => waitsFor !== undefined);
  return (
    <form className="settings-form" onSubmit={save} noValidate>
      <WaitingSettings settings={all} onLoaded={(settings) => setAll({ settings })} />
      {shown.map((one) => (
        <SettingField key={one.key} setting={one} written={written[one.key] ?? writtenOf(one.key, one.value)} error={field === one.key ? reasonOf(error) : undefined} isFixed={FIXED_SETTINGS.includes(one.key)} onChange={(text) => change(one.key, text)} />
      ))}
      {error !== undefined && !keys.some((key) => key === field) && <ErrorCard error={error} />}
      <div className="setup-actions">
        <button type="submit" className="main" disabled={count === 0 || progress === 'saving'}>{progress === 'saving' ? texts.saving : texts.save}</button>
        {count > 0 && <button type="button" className="quiet" onClick={() => { setWritten({}); setError(undefined); }}>{texts.undo}</button>}
        <span role="status">{progress === 'saved' ? (isWaiting ? texts.savedWaiting : texts.saved) : count > 0 ? texts.changed(count) : ''}</span>
      </div>
    </form>
  );
}

function changesOf(shown: readonly Setting[], written: Written): SettingChanges {
  const changed = shown.flatMap(({ key, value }) => {
    const text = written[key];
    return text === undefined || text === writtenOf(key, value) ? [] : [[key, valueOf(key, text)] as const];
  });
  return Object.fromEntries(changed);
}

/** The setting that an error is about; in a list the host names the line too (`relays.0`). */
const fieldOf = (error: WireError | undefined): string | undefined => (typeof error?.meta['field'] === 'string' ? error.meta['field'].split('.')[0] : undefined);
const reasonOf = (error: WireError | undefined): string => (typeof error?.meta['reason'] === 'string' ? error.meta['reason'] : error?.message ?? '');
