import { useEffect, useRef, useState } from 'react';
import { CONVERSATION_LIMITS, type ConversationEntry, type Hit } from '../../src-preload/bridge/index.ts';
import { useApp, useChats } from '../stores/context.ts';
import { ConversationItem } from './conversation-item.tsx';

export type Place = 'chat' | 'network';
const PLACES = [['chat', 'Chat'], ['network', 'Network']] as const;
const SEARCH_DELAY_MS = 150;

interface SidebarProps {
  readonly place: Place;
  readonly onGo: (place: Place) => void;
}

/** Places, and the conversations: search, pinned ones, folders, the rest by time. */
export function Sidebar({ place, onGo }: SidebarProps) {
  const { chats } = useApp();
  const [text, setText] = useState('');
  const open = (id: string | undefined, messageId?: string): void => {
    void chats.select(id, messageId);
    onGo('chat');
  };
  return (
    <aside className="sidebar" aria-label="Conversations and places">
      <nav aria-label="Places" className="places">
        {PLACES.map(([to, label]) => <button key={to} type="button" className="place" aria-current={place === to ? 'page' : undefined} onClick={() => onGo(to)}>{label}</button>)}
      </nav>
      <button type="button" className="quiet sidebar-wide" onClick={() => open(undefined)}>New chat</button>
      <input type="search" className="sidebar-search" aria-label="Search conversations" placeholder="Search" maxLength={200} value={text} onChange={(event) => setText(event.target.value)} />
      {text.trim() === '' ? <ConversationList onOpen={open} /> : <Hits text={text} onOpen={open} />}
      <ImportButton onDone={() => onGo('chat')} />
    </aside>
  );
}

type Open = (id: string, messageId?: string) => void;

function ConversationList({ onOpen }: { readonly onOpen: Open }) {
  const list = useChats((view) => view.list);
  const total = useChats((view) => view.total);
  if (list === undefined) return <p className="sidebar-empty">…</p>;
  if (list.length === 0) return <p className="sidebar-empty">No conversations yet. Your first question begins one.</p>;
  return (
    <div className="conversations">
      {groupsOf(list).map(([name, entries]) => (
        <section key={name} aria-label={name}>
          <h3>{name}</h3>
          <ul>{entries.map((entry) => <ConversationItem key={entry.id} entry={entry} onOpen={() => onOpen(entry.id)} />)}</ul>
        </section>
      ))}
      {total > list.length && <p className="sidebar-empty">{total - list.length} older ones: search finds them.</p>}
    </div>
  );
}

function groupsOf(list: readonly ConversationEntry[]): ReadonlyArray<readonly [string, readonly ConversationEntry[]]> {
  const rest = list.filter(({ isPinned }) => !isPinned);
  const folders = [...new Set(rest.flatMap(({ folder }) => folder ?? []))].toSorted();
  const groups: ReadonlyArray<readonly [string, readonly ConversationEntry[]]> = [
    ['Pinned', list.filter(({ isPinned }) => isPinned)],
    ...folders.map((folder) => [folder, rest.filter((entry) => entry.folder === folder)] as const),
    ['Chats', rest.filter(({ folder }) => folder === undefined)],
  ];
  return groups.filter(([, entries]) => entries.length > 0);
}

function Hits({ text, onOpen }: { readonly text: string; readonly onOpen: Open }) {
  const { chats } = useApp();
  const [hits, setHits] = useState<readonly Hit[]>();
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(() => void chats.search(text).then((found) => { if (isCurrent) setHits(found); }), SEARCH_DELAY_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [chats, text]);
  if (hits === undefined) return <p className="sidebar-empty" role="status">Searching …</p>;
  if (hits.length === 0) return <p className="sidebar-empty" role="status">Nothing found.</p>;
  return (
    <ul className="conversations hits" aria-label="Found">
      {hits.map(({ conversationId, messageId, title, snippet }) => (
        <li key={`${conversationId}-${messageId ?? ''}`}>
          <button type="button" className="hit" onClick={() => onOpen(conversationId, messageId)}>
            <strong>{title}</strong>
            {snippet.length > 0 && <span>{snippet.map((part, index) => (part.isHit ? <mark key={index}>{part.text}</mark> : part.text))}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}

function ImportButton({ onDone }: { readonly onDone: () => void }) {
  const { chats } = useApp();
  const field = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const isTooLong = file.size > CONVERSATION_LIMITS.importChars;
    if (isTooLong) chats.fail({ code: 'CHATS_BAD_FILE', message: `the file has more than ${CONVERSATION_LIMITS.importChars} characters`, next: 'Choose a smaller one.', meta: {}, retryable: false, fault: 'user' });
    else await chats.import(await file.text());
    onDone();
  };
  return (
    <>
      <input ref={field} type="file" hidden accept=".json,.md,.markdown,.txt" aria-label="File to import" onChange={(event) => { void read(event.target.files?.[0]); event.target.value = ''; }} />
      <button type="button" className="quiet sidebar-wide" onClick={() => field.current?.click()}>Import a conversation</button>
    </>
  );
}
