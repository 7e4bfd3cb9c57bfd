import type { ExportFormat } from '../../src-preload/bridge/index.ts';
import type { Texts } from '../language/index.ts';
import type { App } from '../stores/context.ts';
import { desk, SECTIONS, type Desk, type Section } from '../stores/desk.ts';
import { download } from '../widgets/download.ts';
import { PLACES, type Place } from './places.tsx';

export type PaletteGroup = 'places' | 'actions' | 'conversations';

export interface PaletteEntry {
  readonly id: string;
  readonly group: PaletteGroup;
  readonly text: string;
  /** Keys that do the same. */
  readonly keys?: string;
  /** Not in the list before something is typed. */
  readonly isDetail?: boolean;
  readonly run: () => void;
}

interface EntriesInit {
  readonly app: App;
  readonly texts: Texts;
  readonly onGo: (place: Place) => void;
  readonly isAnswering: boolean;
}

/** All that can be gone to and done, without the conversations. */
export const paletteEntries = (init: EntriesInit): readonly PaletteEntry[] => [...placeEntries(init), ...chatEntries(init), ...walletEntries(init), ...looksEntries(init)];

const action = (id: string, text: string, run: () => void): PaletteEntry => ({ id, group: 'actions', text, run });

function placeEntries({ texts, onGo }: EntriesInit): readonly PaletteEntry[] {
  const toSection = (section: Section): void => {
    desk.setState({ section });
    onGo('settings');
  };
  return [
    ...PLACES.map(({ place, name }, index): PaletteEntry => ({ id: `place-${place}`, group: 'places', text: name(texts), keys: `Alt ${index + 1}`, run: () => onGo(place) })),
    ...SECTIONS.map((section): PaletteEntry => ({ id: `section-${section}`, group: 'places', text: texts.palette.settingsPart(texts.settings[section]), isDetail: true, run: () => toSection(section) })),
  ];
}

function chatEntries({ app: { chats }, texts: { palette }, onGo, isAnswering }: EntriesInit): readonly PaletteEntry[] {
  const { open } = chats.store.getState();
  const save = async (format: ExportFormat): Promise<void> => {
    const file = open === undefined ? undefined : await chats.export(open.conversation.id, format);
    if (file !== undefined) download(file.fileName, file.text);
  };
  return [
    { ...action('new-chat', palette.newChat, () => { void chats.select(undefined); onGo('chat'); }), keys: 'Alt N' },
    ...(isAnswering ? [action('stop', palette.stop, () => void chats.stop())] : []),
    action('invite', palette.invite, () => onGo('network')),
    ...(open === undefined ? [] : [action('export-markdown', palette.exportMarkdown, () => void save('markdown')), action('export-json', palette.exportJson, () => void save('json'))]),
  ];
}

/** What the wallet offers as it stands; nothing without a chain. */
function walletEntries({ app: { client }, texts: { palette }, onGo }: EntriesInit): readonly PaletteEntry[] {
  const economy = client.store.getState().state?.economy;
  if (economy?.network === undefined) return [];
  const entry = (id: string, text: string, walletAsk: Desk['walletAsk']): PaletteEntry => ({ id: `wallet-${id}`, group: 'actions', text, run: () => { desk.setState({ walletAsk }); onGo('wallet'); } });
  const decide = economy.waiting > 0 ? [entry('decide', palette.walletDecide, { document: 'consent' })] : [];
  switch (economy.wallet.status) {
    case 'none': return [...decide, entry('create', palette.walletCreate, { document: 'create' }), entry('import', palette.walletImport, { document: 'import' })];
    case 'locked': return [...decide, entry('unlock', palette.walletUnlock, { document: 'unlock' })];
    case 'ready': return [
      ...decide, entry('stake', palette.walletStake, { focus: 'wallet-stake-amount' }), entry('unstake', palette.walletUnstake, { focus: 'wallet-unstake-amount' }),
      { id: 'wallet-lock', group: 'actions', text: palette.walletLock, run: () => void client.call('wallet.lock', {}).catch(() => undefined) },
    ];
  }
}

function looksEntries({ app: { looks }, texts: { palette } }: EntriesInit): readonly PaletteEntry[] {
  return [
    action('theme-system', palette.themeSystem, () => looks.set({ theme: 'system' })),
    action('theme-light', palette.themeLight, () => looks.set({ theme: 'light' })),
    action('theme-dark', palette.themeDark, () => looks.set({ theme: 'dark' })),
    action('density-compact', palette.compact, () => looks.set({ density: 'compact' })),
    action('density-comfortable', palette.comfortable, () => looks.set({ density: 'comfortable' })),
    // Opened when the palette has closed itself.
    { ...action('shortcuts', palette.shortcuts, () => desk.setState({ sheet: 'shortcuts' })), keys: '?' },
  ];
}
