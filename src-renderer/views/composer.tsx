import { useEffect, useRef, type FormEvent, type KeyboardEvent, type RefObject } from 'react';
import { CHAT_LIMITS } from '../../src-preload/bridge/index.ts';
import { useApp, useCanAsk, useChats, useIsAnswering } from '../stores/context.ts';

/** Where a question is written. Enter sends, Shift+Enter breaks the line, Escape stops the answer. */
export function Composer() {
  const { chats } = useApp();
  const text = useChats(({ open, draft }) => open?.draft ?? draft);
  const isRunning = useIsAnswering();
  const canAsk = useCanAsk();
  const field = useRef<HTMLTextAreaElement>(null);
  useFocusWhenDone(field, isRunning);
  useEscape(() => void chats.stop(), isRunning);
  const send = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!canAsk || text.trim() === '') return;
    chats.setDraft('');
    void chats.send(text).then((isSent) => { if (!isSent) chats.setDraft(text); });
  };
  const onKey = (event: KeyboardEvent): void => {
    // Enter that ends an input method's composition is not a send.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form className="composer" onSubmit={send}>
      <label className="unseen" htmlFor="question">Your question</label>
      <textarea id="question" ref={field} rows={1} value={text} maxLength={CHAT_LIMITS.maxMessageChars} placeholder="Write a question" onChange={(event) => chats.setDraft(event.target.value)} onKeyDown={onKey} autoFocus />
      {isRunning
        ? <button type="button" className="main" onClick={() => void chats.stop()}>Stop</button>
        : <button type="submit" className="main" disabled={!canAsk || text.trim() === ''}>Send</button>}
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
