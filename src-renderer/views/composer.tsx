import { useEffect, useRef, type ClipboardEvent, type FormEvent, type KeyboardEvent, type RefObject } from 'react';
import { CHAT_LIMITS } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { canSend, idsOf } from '../stores/attachments.ts';
import { useApp, useCanAsk, useChats, useIsAnswering } from '../stores/context.ts';
import { AttachButton, Chips, useAttach, useChips } from './attachments.tsx';

/** A pasted text of more is a file: it would bury the question. */
const PASTED_CHARS = 8_000;

/** Where a question is written. Enter sends, Shift+Enter breaks the line, Escape stops the answer. `scope`: of what is attached. */
export function Composer({ scope }: { readonly scope: string }) {
  const { chats, attachments } = useApp();
  const { chat: texts, attachments: { pasted } } = useTexts();
  const text = useChats(({ open, draft }) => open?.draft ?? draft);
  const isRunning = useIsAnswering();
  const chips = useChips(scope);
  const attach = useAttach(scope);
  const canAsk = useCanAsk() && canSend(chips);
  const field = useRef<HTMLTextAreaElement>(null);
  useFocusWhenDone(field, isRunning);
  useEscape(() => void chats.stop(), isRunning);
  const send = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!canAsk || text.trim() === '') return;
    chats.setDraft('');
    void chats.send(text, { attachments: idsOf(chips) }).then((isSent) => {
      if (isSent) attachments.sent(chips);
      else chats.setDraft(text);
    });
  };
  const onKey = (event: KeyboardEvent): void => {
    // Enter that ends an input method's composition is not a send.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  const onPaste = (event: ClipboardEvent): void => {
    const long = event.clipboardData.getData('text/plain');
    const files = event.clipboardData.files.length > 0 && long === '' ? [...event.clipboardData.files] : long.length > PASTED_CHARS ? [new File([long], pasted)] : [];
    if (files.length === 0) return;
    event.preventDefault();
    attach(files);
  };
  return (
    <form className="composer" onSubmit={send}>
      <Chips scope={scope} onLast={() => field.current?.focus()} />
      <AttachButton scope={scope} />
      <label className="unseen" htmlFor="question">{texts.yourQuestion}</label>
      <textarea id="question" ref={field} rows={1} value={text} maxLength={CHAT_LIMITS.maxMessageChars} placeholder={texts.writeQuestion} onChange={(event) => chats.setDraft(event.target.value)} onKeyDown={onKey} onPaste={onPaste} autoFocus />
      {isRunning
        ? <button type="button" className="main" onClick={() => void chats.stop()}>{texts.stop}</button>
        : <button type="submit" className="main" disabled={!canAsk || text.trim() === ''}>{texts.send}</button>}
    </form>
  );
}

function useEscape(stop: () => void, isActive: boolean): void {
  useEffect(() => {
    if (!isActive) return undefined;
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key === 'Escape') stop();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}

// The Stop button goes when the answer ends; focus must not go with it.
function useFocusWhenDone(field: RefObject<HTMLTextAreaElement | null>, isRunning: boolean): void {
  const wasRunning = useRef(false);
  useEffect(() => {
    if (wasRunning.current && !isRunning) field.current?.focus();
    wasRunning.current = isRunning;
  }, [field, isRunning]);
}
