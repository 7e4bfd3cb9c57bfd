import { type ReactNode } from 'react';
import type { PreferenceChange, Preferences } from '../../../src-preload/bridge/index.ts';
import { OFFERED, useTexts } from '../../language/index.ts';
import { useApp, useLooks } from '../../stores/context.ts';

/** Theme, density, size, language: seen at once, kept by the host. */
export function AppearanceSection() {
  const { settings: texts } = useTexts();
  const { looks } = useApp();
  const now = useLooks();
  const set = (change: PreferenceChange): void => looks.set(change);
  return (
    <>
      <p className="setup-intro">{texts.everyBrowser}</p>
      <Choice<Preferences['theme']> name="theme" label={texts.theme} help={texts.themeHelp} value={now.theme} onChange={(theme) => set({ theme })} options={[['system', texts.system], ['light', texts.light], ['dark', texts.dark]]} />
      <Choice<Preferences['density']> name="density" label={texts.density} help={texts.densityHelp} value={now.density} onChange={(density) => set({ density })} options={[['comfortable', texts.comfortable], ['compact', texts.compact]]} />
      <Choice<Preferences['textSize']> name="text-size" label={texts.textSize} help={texts.textSizeHelp} value={now.textSize} onChange={(textSize) => set({ textSize })} options={[['small', texts.small], ['normal', texts.normal], ['large', texts.large], ['largest', texts.largest]]} />
      <div className="setting">
        <label htmlFor="language">{texts.language}</label>
        <p id="language-help">{texts.languageHelp}</p>
        <select id="language" aria-describedby="language-help" value={now.language} onChange={(event) => set({ language: event.target.value })}>
          {OFFERED.map((code) => <option key={code} value={code}>{new Intl.DisplayNames([code], { type: 'language' }).of(code)}</option>)}
        </select>
      </div>
    </>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly value: T;
  readonly options: ReadonlyArray<readonly [T, ReactNode]>;
  readonly onChange: (value: T) => void;
}

function Choice<T extends string>({ name, label, help, value, options, onChange }: ChoiceProps<T>) {
  return (
    <fieldset className="setting" aria-describedby={`${name}-help`}>
      <legend>{label}</legend>
      <p id={`${name}-help`}>{help}</p>
      <div className="segments">
        {options.map(([option, text]) => <label key={option}><input type="radio" name={name} value={option} checked={value === option} onChange={() => onChange(option)} /><span>{text}</span></label>)}
      </div>
    </fieldset>
  );
}
