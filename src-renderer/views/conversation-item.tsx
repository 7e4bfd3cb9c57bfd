import { useEffect, useRef, useState, type FormEvent } from 'react';
import type { ConversationEntry, ExportFormat } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp, useChats } from '../stores/context.ts';
import { download } from '../widgets/download.ts';

interface ItemProps {
  readonly entry: ConversationEntry;
  readonly onOpen: () => void;
}

/** One conversation in the list, with what can be done with it. */
export function ConversationItem({ entry, onOpen }: ItemProps) {
  const texts = useTexts().sidebar;
  const isOpen = useChats(({ open }) => open?.conversation.id === entry.id);
  const [asks, setAsks] = useState<'title' | 'folder' | 'delete'>();
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const closeOutside = (event: Event): void => { if (menu.current !== null && !menu.current.contains(event.target as Node)) menu.current.open = false; };
    document.addEventListener('pointerdown', closeOutside);
    return () => document.removeEventListener('pointerdown', closeOutside);
  }, []);
  const pick = (what: typeof asks): void => {
    if (menu.current !== null) menu.current.open = false;
    setAsks(what);
  };
  return (
    <li className="conversation">
      <button type="button" className="conversation-title" aria-current={isOpen ? 'true' : undefined} onClick={onOpen} title={entry.title}>{entry.isAnswering && <span className="dot" aria-label={texts.answering} role="img" />}{entry.title}</button>
      <details className="more" ref={menu} onKeyDown={(event) => { if (event.key === 'Escape') event.currentTarget.open = false; }}>
        <summary aria-label={texts.more(entry.title)}>⋯</summary>
        <Menu entry={entry} onPick={pick} />
      </details>
      {asks !== undefined && <Ask key={asks} entry={entry} what={asks} onEnd={() => setAsks(undefined)} />}
    </li>
  );
}

function Menu({ entry, onPick }: { readonly entry: ConversationEntry; readonly onPick: (what: 'title' | 'folder' | 'delete' | undefined) => void }) {
  const { chats } = useApp();
  const texts = useTexts().sidebar;
  const save = async (format: ExportFormat): Promise<void> => {
    onPick(undefined);
    const file = await chats.export(entry.id, format);
    if (file !== undefined) download(file.fileName, file.text);
  };
  return (
    <div className="more-menu">
      <button type="button" onClick={() => { void chats.update(entry.id, { isPinned: !entry.isPinned }); onPick(undefined); }}>{entry.isPinned ? texts.unpin : texts.pin}</button>
      <button type="button" onClick={() => onPick('title')}>{texts.rename}</button>
      <button type="button" onClick={() => onPick('folder')}>{texts.folder}</button>
      <button type="button" onClick={() => void save('markdown')}>{texts.exportMarkdown}</button>
      <button type="button" onClick={() => void save('json')}>{texts.exportJson}</button>
      <button type="button" className="danger" onClick={() => onPick('delete')}>{texts.delete}</button>
    </div>
  );
}

function Ask({ entry, what, onEnd }: { readonly entry: ConversationEntry; readonly what: 'title' | 'folder' | 'delete'; readonly onEnd: () => void }) {
  const { chats } = useApp();
  const texts = useTexts().sidebar;
  const folders = useChats((view) => view.folders);
  const [text, setText] = useState(what === 'title' ? entry.title : entry.folder ?? '');
  const end = (event: FormEvent): void => {
    event.preventDefault();
    const value = text.trim();
    if (what === 'delete') void chats.delete(entry.id);
    else if (what === 'folder') void chats.update(entry.id, { folder: value === '' ? null : value });
    else if (value !== '') void chats.update(entry.id, { title: value });
    onEnd();
  };
  return (
    <form className="ask" onSubmit={end} onKeyDown={(event) => { if (event.key === 'Escape') onEnd(); }}>
      {what === 'delete' ? <p>{texts.deleteQuestion}</p> : <input aria-label={what === 'title' ? texts.newName : texts.folder} list={what === 'folder' ? 'folders' : undefined} value={text} maxLength={what === 'title' ? 200 : 60} placeholder={what === 'folder' ? texts.noFolder : undefined} onChange={(event) => setText(event.target.value)} autoFocus />}
      {what === 'folder' && <datalist id="folders">{folders.map((folder) => <option key={folder} value={folder} />)}</datalist>}
      <button type="submit" className="quiet" autoFocus={what === 'delete'}>{what === 'delete' ? texts.deleteIt : texts.save}</button>
      <button type="button" className="quiet" onClick={onEnd}>{texts.cancel}</button>
    </form>
  );
}
