import { useEffect, useState, type FormEvent } from 'react';
import { CONVERSATION_LIMITS, type ChatOptions, type Preset } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp, useChats, useHost } from '../stores/context.ts';
import { ModelPicker } from './model-picker.tsx';
import { PipelineLine } from './pipeline/pipeline-line.tsx';
import type { PlaceProps } from './places.tsx';

const FIELDS = [
  { key: 'temperature', min: 0, max: 5, step: 0.1 },
  { key: 'topP', min: 0, max: 1, step: 0.01 },
  { key: 'topK', min: 0, max: 1_000_000, step: 1 },
  { key: 'minP', min: 0, max: 1, step: 0.01 },
  { key: 'repetitionPenalty', min: 0, max: 10, step: 0.05 },
  { key: 'maxTokens', min: 1, max: 32_768, step: 1 },
  { key: 'seed', min: 0, max: 0xffff_ffff, step: 1 },
] as const satisfies ReadonlyArray<{ key: keyof ChatOptions; min: number; max: number; step: number }>;

/** Above a conversation: its name, which model answers and where, what it tells the model first and how words are chosen (with presets of both). */
export function ChatSettings({ onGo }: PlaceProps) {
  const [isOpen, setOpen] = useState(false);
  const texts = useTexts().chat;
  const title = useChats(({ open }) => open?.conversation.title) ?? texts.newChat;
  const isBegun = useChats(({ open }) => (open?.total ?? 0) > 0);
  const hasSystem = useChats(({ open }) => (open?.system ?? '') !== '');
  return (
    <>
      <div className="chat-head">
        <h2>{title}</h2>
        <ModelPicker onMore={() => onGo('models')} />
        <button type="button" className="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{texts.instructions}{hasSystem ? ' •' : ''}</button>
        <PipelineLine onGo={onGo} isBegun={isBegun} />
      </div>
      {isOpen && <SettingsForm onEnd={() => setOpen(false)} />}
    </>
  );
}

function SettingsForm({ onEnd }: { readonly onEnd: () => void }) {
  const { chats } = useApp();
  const texts = useTexts().chat;
  const open = useChats((view) => view.open);
  const [system, setSystem] = useState(open?.system ?? '');
  const [options, setOptions] = useState<Readonly<Record<string, string>>>(() => textsOf(open?.options ?? {}));
  const save = (event: FormEvent): void => {
    event.preventDefault();
    void chats.settings({ system, options: numbersOf(options) });
    onEnd();
  };
  return (
    <form className="settings" aria-label={texts.instructions} onSubmit={save} onKeyDown={(event) => { if (event.key === 'Escape') onEnd(); }}>
      <label htmlFor="system">{texts.toldFirst}</label>
      <textarea id="system" rows={3} value={system} maxLength={CONVERSATION_LIMITS.maxSystemChars} onChange={(event) => setSystem(event.target.value)} autoFocus />
      <div className="settings-grid">
        {FIELDS.map(({ key, ...range }) => (
          <label key={key}>{texts[key]}<input type="number" {...range} value={options[key] ?? ''} placeholder={texts.modelsOwn} onChange={(event) => setOptions({ ...options, [key]: event.target.value })} /></label>
        ))}
      </div>
      <Presets onUse={(preset) => { setSystem(preset.system); setOptions(textsOf(preset.options)); }} current={() => ({ system, options: numbersOf(options) })} />
      <div className="settings-end"><button type="button" className="quiet" onClick={onEnd}>{texts.cancel}</button><button type="submit" className="main">{texts.apply}</button></div>
    </form>
  );
}

interface PresetsProps {
  readonly onUse: (preset: Preset) => void;
  readonly current: () => Omit<Preset, 'name'>;
}

function Presets({ onUse, current }: PresetsProps) {
  const { client } = useApp();
  const texts = useTexts().chat;
  const isOnline = useHost((view) => view.link === 'online');
  const [presets, setPresets] = useState<readonly Preset[]>([]);
  const [name, setName] = useState('');
  const load = (): void => void client.call('presets.list', {}).then((reply) => setPresets(reply.presets), () => undefined);
  useEffect(() => void client.call('presets.list', {}).then((reply) => setPresets(reply.presets), () => undefined), [client, isOnline]);
  const save = (): void => void client.call('presets.save', { name, ...current() }).then(load, () => undefined);
  const remove = (): void => void client.call('presets.delete', { name }).then(load, () => undefined);
  const isKnown = presets.some((preset) => preset.name === name);
  return (
    <div className="presets">
      <label>{texts.preset}<input list="presets" value={name} maxLength={60} placeholder={texts.presetName} onChange={(event) => {
        setName(event.target.value);
        const preset = presets.find((one) => one.name === event.target.value);
        if (preset !== undefined) onUse(preset);
      }} /></label>
      <datalist id="presets">{presets.map((preset) => <option key={preset.name} value={preset.name} />)}</datalist>
      <button type="button" className="quiet" disabled={name.trim() === ''} onClick={save}>{texts.savePreset}</button>
      {isKnown && <button type="button" className="quiet" onClick={remove}>{texts.deletePreset}</button>}
    </div>
  );
}

const textsOf = (options: ChatOptions): Record<string, string> => Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)]));

function numbersOf(texts: Readonly<Record<string, string>>): ChatOptions {
  const entries = FIELDS.flatMap(({ key, min, max, step }) => {
    const value = Number(texts[key]);
    if ((texts[key] ?? '').trim() === '' || !Number.isFinite(value)) return [];
    const bounded = Math.min(max, Math.max(min, value));
    return [[key, step === 1 ? Math.round(bounded) : bounded] as const];
  });
  return Object.fromEntries(entries);
}
