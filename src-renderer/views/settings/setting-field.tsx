import type { Setting } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts, type Texts } from '../../language/index.ts';
import { FIELD_KINDS, writtenOf } from '../../stores/setting-fields.ts';

interface SettingFieldProps {
  readonly setting: Setting;
  /** As it stands in the field. */
  readonly written: string;
  /** Why the host does not take it. */
  readonly error: string | undefined;
  readonly isFixed: boolean;
  readonly onChange: (written: string) => void;
}

/** One setting: what it is called, what it does, its value, and why it cannot be that. */
export function SettingField(props: SettingFieldProps) {
  const { setting, error, isFixed } = props;
  const { key, waitsFor, source } = setting;
  const texts = useTexts();
  const { label, help } = texts.setting[key];
  const id = `setting-${key}`;
  const standard = standardOf(setting, texts);
  const override = source === 'environment' ? texts.settings.byEnvironment : source === 'command line' ? texts.settings.byCommandLine : isFixed ? texts.settings.fixed : undefined;
  return (
    <div className={error === undefined ? 'setting' : 'setting setting-wrong'}>
      <label htmlFor={id}>{label}{waitsFor !== undefined && <span className="setting-badge">{waitsFor === 'restart' ? texts.settings.afterRestart : texts.settings.afterLoad}</span>}</label>
      <p id={`${id}-help`}>{help}{FIELD_KINDS[key].kind === 'list' && ` ${texts.settings.onePerLine}`}{standard !== '' && ` ${texts.settings.defaultIs(standard)}`}</p>
      <Control {...props} id={id} isDisabled={override !== undefined} />
      {override !== undefined && <p className="setting-override">{override}</p>}
      {error !== undefined && <p className="setting-error" id={`${id}-error`} role="alert">{error}</p>}
    </div>
  );
}

/** What it is when nobody says anything; empty where it is nothing. */
function standardOf({ key, fallback }: Setting, { settings, choices }: Texts): string {
  const field = FIELD_KINDS[key];
  if (typeof fallback === 'boolean') return fallback ? settings.on : settings.off;
  if (typeof fallback === 'number') return formatNumber(fallback);
  const chosen = field.kind === 'choice' ? field.options.find((option) => option === fallback) : undefined;
  return chosen === undefined ? writtenOf(key, fallback) : choices[chosen];
}

function Control({ setting: { key, fallback }, written, error, id, isDisabled, onChange }: SettingFieldProps & { readonly id: string; readonly isDisabled: boolean }) {
  const { settings, choices } = useTexts();
  const field = FIELD_KINDS[key];
  const common = {
    id, disabled: isDisabled, 'aria-describedby': `${id}-help${error === undefined ? '' : ` ${id}-error`}`, ...(error === undefined ? {} : { 'aria-invalid': true }),
  } as const;
  const placeholder = fallback !== null ? writtenOf(key, fallback) : field.kind === 'number' ? settings.byItself : settings.empty;
  switch (field.kind) {
    case 'switch': return <input {...common} type="checkbox" role="switch" className="switch" checked={written === 'true'} onChange={(event) => onChange(String(event.target.checked))} />;
    case 'choice': return <select {...common} value={written} onChange={(event) => onChange(event.target.value)}>{field.options.map((option) => <option key={option} value={option}>{choices[option]}</option>)}</select>;
    case 'list': return <textarea {...common} rows={Math.min(6, Math.max(2, written.split('\n').length))} value={written} placeholder={settings.empty} spellCheck={false} maxLength={20_000} onChange={(event) => onChange(event.target.value)} />;
    case 'number': case 'amount': return <input {...common} type="text" inputMode="decimal" className="setting-number" value={written} placeholder={placeholder} autoComplete="off" maxLength={field.kind === 'amount' ? 40 : 20} onChange={(event) => onChange(event.target.value)} />;
    case 'text': return <input {...common} type="text" value={written} placeholder={placeholder} autoComplete="off" spellCheck={false} maxLength={2_000} onChange={(event) => onChange(event.target.value)} />;
  }
}
