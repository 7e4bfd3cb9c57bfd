import { useEffect, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { ATTACHMENT_LIMITS, type Attachment, type Reading } from '../../src-preload/bridge/index.ts';
import { formatNumber, useTexts } from '../language/index.ts';
import { loadOf, type Chip } from '../stores/attachments.ts';
import { useApp, useHost } from '../stores/context.ts';
import { formatBytes } from '../stores/format.ts';
import { AttachmentSheet } from './attachment-sheet.tsx';

const ACCEPTED = '.txt,.md,.markdown,.csv,.tsv,.json,.jsonl,.log,.pdf,.ts,.tsx,.js,.jsx,.mjs,.py,.rs,.go,.java,.kt,.c,.h,.cc,.cpp,.hpp,.cs,.rb,.php,.swift,.sh,.sql,.html,.css,.xml,.yaml,.yml,.toml,.ini,.tex,text/*,application/pdf,application/json';
const NONE: readonly Chip[] = [];

export const useChips = (scope: string): readonly Chip[] => useStore(useApp().attachments.store, (scopes) => scopes[scope]) ?? NONE;

/** Attaches files, and says when they are too many. */
export function useAttach(scope: string): (files: readonly File[]) => void {
  const { attachments, chats } = useApp();
  const texts = useTexts().attachments;
  return (files) => {
    if (attachments.add(scope, files) > 0) chats.fail({ code: 'CHATS_FULL', message: texts.tooMany(ATTACHMENT_LIMITS.perQuestion), next: texts.tooManyNext, meta: {}, retryable: false, fault: 'user' });
  };
}

/** Where files are dropped; `isOver` while some are held above it. */
export function useDrop(onFiles: (files: readonly File[]) => void) {
  const [isOver, setOver] = useState(false);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');
  const take = (event: DragEvent, over: boolean): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(over);
  };
  return {
    isOver,
    handlers: {
      onDragOver: (event: DragEvent) => take(event, true),
      onDragLeave: (event: DragEvent) => { if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false); },
      onDrop: (event: DragEvent) => {
        take(event, false);
        if (hasFiles(event)) onFiles([...event.dataTransfer.files]);
      },
    },
  };
}

export function AttachButton({ scope }: { readonly scope: string }) {
  const texts = useTexts().attachments;
  const attach = useAttach(scope);
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <input ref={field} type="file" hidden multiple accept={ACCEPTED} aria-label={texts.choose} onChange={(event) => { attach([...event.target.files ?? []]); event.target.value = ''; }} />
      <button type="button" className="attach" aria-label={texts.attach} title={texts.attach} onClick={() => field.current?.click()}>
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M20 11.5 12.4 19a5 5 0 0 1-7.1-7.1l8-7.9a3.4 3.4 0 0 1 4.8 4.8l-7.9 7.8a1.7 1.7 0 0 1-2.4-2.4l7.2-7.1" /></svg>
      </button>
    </>
  );
}

/** What is attached to a question that is being written. */
export function Chips({ scope, onLast }: { readonly scope: string; readonly onLast: () => void }) {
  const { attachments } = useApp();
  const texts = useTexts().attachments;
  const chips = useChips(scope);
  const model = useHost(({ state }) => (state?.status.kind === 'ready' ? state.info.model?.name : undefined));
  useEffect(() => { if (model !== undefined) void attachments.measure(scope); }, [attachments, scope, model]);
  const list = useRef<HTMLUListElement>(null);
  if (chips.length === 0) return null;
  const remove = (key: string, place: number): void => {
    attachments.remove(scope, key);
    // The button that had focus goes: the next one takes it.
    const buttons = list.current?.querySelectorAll<HTMLButtonElement>('.chip-remove');
    const next = buttons?.[place + 1] ?? buttons?.[place - 1];
    if (next === undefined) onLast();
    else next.focus();
  };
  return (
    <div className="attached">
      <ul className="chips" aria-label={texts.attached} ref={list} aria-live="polite">
        {chips.map((chip, place) => <ChipItem key={chip.key} chip={chip} onRemove={() => remove(chip.key, place)} />)}
      </ul>
      <Room chips={chips} />
    </div>
  );
}

function ChipItem({ chip, onRemove }: { readonly chip: Chip; readonly onRemove: () => void }) {
  const texts = useTexts().attachments;
  const { name, sizeBytes, sentBytes, attachment, cost, failure } = chip;
  const progress = sentBytes < sizeBytes ? texts.sending(Math.floor((100 * sentBytes) / sizeBytes)) : texts.reading;
  const tokens = cost?.tokens === undefined ? undefined : texts.tokens(formatNumber(cost.tokens));
  const onKey = (event: KeyboardEvent): void => {
    if ((event.key !== 'Delete' && event.key !== 'Backspace') || (event.target as Element).closest('dialog') !== null) return;
    // Else it would also take a letter of the question, which has focus next.
    event.preventDefault();
    onRemove();
  };
  return (
    <li className={failure === undefined ? 'chip' : 'chip chip-failed'} onKeyDown={onKey}>
      {attachment === undefined ? <span className="chip-name">{name}</span> : <Opener attachment={attachment} />}
      {failure === undefined && <span className="chip-facts">{[formatBytes(sizeBytes), attachment === undefined ? progress : tokens].filter((fact) => fact !== undefined).join(' · ')}</span>}
      <button type="button" className="chip-remove" aria-label={texts.remove(name)} onClick={onRemove}><span aria-hidden="true">×</span></button>
      {failure !== undefined && <span className="chip-failure" role="alert">{failure.message} {failure.next}</span>}
    </li>
  );
}

/** Whether it all fits; nothing where it does. */
function Room({ chips }: { readonly chips: readonly Chip[] }) {
  const texts = useTexts().attachments;
  const load = loadOf(chips);
  if (load === undefined || load.tokens <= load.roomTokens) return null;
  const [tokens, room] = [formatNumber(load.tokens), formatNumber(load.roomTokens)];
  return load.choosesPassages ? <p className="room" role="status">{texts.passages(tokens, room)}</p> : <p className="room room-full" role="alert">{texts.tooLong(tokens, room)} {texts.tooLongNext}</p>;
}

/** What a question was sent with. */
export function SentChips({ attachments }: { readonly attachments: readonly Attachment[] }) {
  const texts = useTexts().attachments;
  return (
    <ul className="chips chips-sent" aria-label={texts.attached}>
      {attachments.map((attachment) => <li key={attachment.id} className="chip"><Opener attachment={attachment} /><span className="chip-facts">{formatBytes(attachment.sizeBytes)}</span></li>)}
    </ul>
  );
}

function Opener({ attachment }: { readonly attachment: Attachment }) {
  const texts = useTexts().attachments;
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="chip-name" title={texts.open(attachment.name)} onClick={() => setOpen(true)}>{attachment.name}</button>
      {isOpen && <AttachmentSheet attachment={attachment} onClose={() => setOpen(false)} />}
    </>
  );
}

/** "12 of 80 passages of report.pdf were read." */
export function Readings({ readings }: { readonly readings: readonly Reading[] }) {
  const texts = useTexts().attachments;
  return <ul className="readings">{readings.map(({ name, passages, of }, index) => <li key={index}>{passages === 0 ? texts.notRead(name) : texts.read(passages, of, name)}</li>)}</ul>;
}
