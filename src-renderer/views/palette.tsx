import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useTexts } from '../language/index.ts';
import { useApp, useChats, useIsAnswering } from '../stores/context.ts';
import { fuzzyPick } from '../stores/fuzzy.ts';
import { Sheet } from '../widgets/sheet.tsx';
import { paletteEntries, type PaletteEntry, type PaletteGroup } from './palette-entries.ts';
import type { PlaceProps } from './places.tsx';

/** In the order of their entries. */
const groupsOf = (entries: readonly PaletteEntry[]): readonly PaletteGroup[] => [...new Set(entries.map(({ group }) => group))];
const MAX_SHOWN = 40;
/** Conversations shown before anything is typed. */
const MAX_RECENT = 6;
const SEARCH_DELAY_MS = 150;

/** Everything by name: places, actions, conversations. A combobox with a list, worked by arrows, Enter and Escape. @see https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ */
export function Palette({ onGo, onClose }: PlaceProps & { readonly onClose: () => void }) {
  const { palette } = useTexts();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const entries = useFitting(typed, onGo);
  const at = Math.min(chosen, entries.length - 1);
  const run = (entry: PaletteEntry | undefined): void => {
    if (entry === undefined) return;
    onClose();
    entry.run();
  };
  const onKey = (event: KeyboardEvent): void => {
    const to = stepOf(event.key, at, entries.length);
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) run(entries[at]);
    else if (to !== undefined) setChosen(to);
    else return;
    event.preventDefault();
  };
  return (
    <Sheet label={palette.title} className="palette" onClose={onClose}>
      <input
        type="text" role="combobox" aria-label={palette.title} aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list" aria-activedescendant={entries[at] === undefined ? undefined : idOf(entries[at])}
        placeholder={palette.placeholder} maxLength={200} autoComplete="off" spellCheck={false} autoFocus value={typed}
        onChange={(event) => { setTyped(event.target.value); setChosen(0); }} onKeyDown={onKey}
      />
      <Results entries={entries} at={at} onRun={run} onPoint={setChosen} />
      <p className="unseen" role="status">{typed === '' ? '' : palette.found(entries.length)}</p>
    </Sheet>
  );
}

interface ResultsProps {
  readonly entries: readonly PaletteEntry[];
  readonly at: number;
  readonly onRun: (entry: PaletteEntry) => void;
  readonly onPoint: (index: number) => void;
}

function Results({ entries, at, onRun, onPoint }: ResultsProps) {
  const { palette } = useTexts();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => { list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }); }, [at, entries]);
  return (
    <div id="palette-list" className="palette-list" role="listbox" aria-label={palette.results} ref={list}>
      {entries.length === 0 && <p className="palette-none">{palette.nothing}</p>}
      {groupsOf(entries).map((group) => (
        <div key={group} role="group" aria-label={palette[group]}>
          <p className="palette-group" aria-hidden="true">{palette[group]}</p>
          {entries.map((entry, index) => entry.group === group && (
            <div key={entry.id} id={idOf(entry)} role="option" aria-selected={index === at} className="palette-entry" onPointerMove={() => onPoint(index)} onClick={() => onRun(entry)}>
              <span>{entry.text}</span>{entry.keys !== undefined && <kbd>{entry.keys}</kbd>}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

const idOf = ({ id }: PaletteEntry): string => `palette-${id}`;

function stepOf(key: string, at: number, count: number): number | undefined {
  if (count === 0) return undefined;
  switch (key) {
    case 'ArrowDown': return (at + 1) % count;
    case 'ArrowUp': return (at + count - 1) % count;
    case 'PageDown': return Math.min(count - 1, at + 8);
    case 'PageUp': return Math.max(0, at - 8);
    default: return undefined;
  }
}

/** What fits, group by group, that of the best one first. */
function useFitting(typed: string, onGo: PlaceProps['onGo']): readonly PaletteEntry[] {
  const app = useApp();
  const texts = useTexts();
  const isAnswering = useIsAnswering();
  const titles = useTitles(typed);
  return useMemo(() => {
    const toChat = (id: string): void => {
      void app.chats.select(id);
      onGo('chat');
    };
    const conversations = titles.map(({ id, title }): PaletteEntry => ({ id: `chat-${id}`, group: 'conversations', text: title, run: () => toChat(id) }));
    const shown = typed.trim() === '' ? conversations.slice(0, MAX_RECENT) : conversations;
    const all = paletteEntries({ app, texts, onGo, isAnswering }).filter(({ isDetail = false }) => !isDetail || typed.trim() !== '');
    const fitting = fuzzyPick(typed, [...all, ...shown], (entry) => entry.text).slice(0, MAX_SHOWN);
    return groupsOf(fitting).flatMap((group) => fitting.filter((entry) => entry.group === group));
  }, [app, texts, onGo, isAnswering, titles, typed]);
}

/** Titles of the newest conversations, and of older ones that the host finds. */
function useTitles(typed: string): ReadonlyArray<{ readonly id: string; readonly title: string }> {
  const { chats } = useApp();
  const list = useChats((view) => view.list);
  const [found, setFound] = useState<ReadonlyArray<{ readonly id: string; readonly title: string }>>([]);
  useEffect(() => {
    if (typed.trim() === '') return undefined;
    let isCurrent = true;
    const timer = setTimeout(() => void chats.search(typed).then((hits) => {
      if (isCurrent) setFound(hits.filter(({ messageId }) => messageId === undefined).map(({ conversationId, title }) => ({ id: conversationId, title })));
    }), SEARCH_DELAY_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [chats, typed]);
  return useMemo(() => [...new Map([...found, ...list ?? []].map(({ id, title }) => [id, { id, title }])).values()], [found, list]);
}
