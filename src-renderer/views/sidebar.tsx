import { useEffect, useRef, useState } from 'react';
import { CONVERSATION_LIMITS, type ConversationEntry, type Hit } from '../../src-preload/bridge/index.ts';
import { texts as textsNow, useTexts } from '../language/index.ts';
import { useApp, useChats } from '../stores/context.ts';
import { formatBytes } from '../stores/format.ts';
import { ConversationItem } from './conversation-item.tsx';
import type { PlaceProps } from './places.tsx';

const SEARCH_DELAY_MS = 150;

/** The conversations: search, pinned ones, folders, the rest by time. */
export function Sidebar({ onGo }: PlaceProps) {
  const { chats } = useApp();
  const texts = useTexts().sidebar;
  const [text, setText] = useState('');
  const open = (id: string | undefined, messageId?: string): void => {
    void chats.select(id, messageId);
    onGo('chat');
  };
  return (
    <section className="sidebar" aria-label={texts.conversations}>
      <button type="button" className="quiet sidebar-wide" onClick={() => open(undefined)}>{texts.newChat}</button>
      <input type="search" className="sidebar-search" aria-label={texts.searchConversations} placeholder={texts.search} maxLength={200} value={text} onChange={(event) => setText(event.target.value)} />
      {text.trim() === '' ? <ConversationList onOpen={open} /> : <Hits text={text} onOpen={open} />}
      <ImportButton onDone={() => onGo('chat')} />
    </section>
  );
}

type Open = (id: string, messageId?: string) => void;

function ConversationList({ onOpen }: { readonly onOpen: Open }) {
  const texts = useTexts().sidebar;
  const list = useChats((view) => view.list);
  const total = useChats((view) => view.total);
  if (list === undefined) return <p className="sidebar-empty">…</p>;
  if (list.length === 0) return <p className="sidebar-empty">{texts.none}</p>;
  return (
    <div className="conversations">
      {groupsOf(list).map(([name, entries]) => (
        <section key={name} aria-label={name}>
          <h3>{name}</h3>
          <ul>{entries.map((entry) => <ConversationItem key={entry.id} entry={entry} onOpen={() => onOpen(entry.id)} />)}</ul>
        </section>
      ))}
      {total > list.length && <p className="sidebar-empty">{texts.older(total - list.length)}</p>}
    </div>
  );
}

function groupsOf(list: readonly ConversationEntry[]): ReadonlyArray<readonly [string, readonly ConversationEntry[]]> {
  const rest = list.filter(({ isPinned }) => !isPinned);
  const { pinned, chats } = textsNow().sidebar;
  const folders = [...new Set(rest.flatMap(({ folder }) => folder ?? []))].toSorted();
  const groups: ReadonlyArray<readonly [string, readonly ConversationEntry[]]> = [
    [pinned, list.filter(({ isPinned }) => isPinned)],
    ...folders.map((folder) => [folder, rest.filter((entry) => entry.folder === folder)] as const),
    [chats, rest.filter(({ folder }) => folder === undefined)],
  ];
  return groups.filter(([, entries]) => entries.length > 0);
}

function Hits({ text, onOpen }: { readonly text: string; readonly onOpen: Open }) {
  const { chats } = useApp();
  const { sidebar: texts, attachments: { foundIn } } = useTexts();
  const [hits, setHits] = useState<readonly Hit[]>();
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(() => void chats.search(text).then((found) => { if (isCurrent) setHits(found); }), SEARCH_DELAY_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [chats, text]);
  if (hits === undefined) return <p className="sidebar-empty" role="status">{texts.searching}</p>;
  if (hits.length === 0) return <p className="sidebar-empty" role="status">{texts.nothingFound}</p>;
  return (
    <ul className="conversations hits" aria-label={texts.found}>
      {hits.map(({ conversationId, messageId, title, attachment, snippet }, place) => (
        <li key={place}>
          <button type="button" className="hit" onClick={() => onOpen(conversationId, messageId)}>
            <strong>{title}</strong>
            {snippet.length > 0 && <span>{attachment !== undefined && foundIn(attachment)}{snippet.map((part, index) => (part.isHit ? <mark key={index}>{part.text}</mark> : part.text))}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}

function ImportButton({ onDone }: { readonly onDone: () => void }) {
  const { chats } = useApp();
  const texts = useTexts().sidebar;
  const field = useRef<HTMLInputElement>(null);
  const importing = useChats((view) => view.importing);
  const read = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    // Said before it travels.
    const isTooLarge = file.size > CONVERSATION_LIMITS.importBytes;
    if (isTooLarge) chats.fail({ code: 'CHATS_FILE_TOO_LARGE', message: texts.tooLarge(formatBytes(CONVERSATION_LIMITS.importBytes)), next: texts.tooLargeNext, meta: {}, retryable: false, fault: 'user' });
    else await chats.import(file);
    onDone();
  };
  return (
    <>
      <input ref={field} type="file" hidden accept=".json,.md,.markdown,.txt" aria-label={texts.importFile} onChange={(event) => { void read(event.target.files?.[0]); event.target.value = ''; }} />
      <button type="button" className="quiet sidebar-wide" disabled={importing !== undefined} onClick={() => field.current?.click()}>{importing === undefined ? texts.import : texts.importing(Math.floor(100 * importing))}</button>
    </>
  );
}
