import { createStore, type StoreApi } from 'zustand/vanilla';
import { CONVERSATION_LIMITS, HostError, isRunning, type ChatProgress, type CommandInput, type CommandName, type CommandOutput, type ConversationChange, type ConversationEntry, type ConversationPage, type HostState, type Message, type Rating, type WireError } from '../../src-preload/bridge/index.ts';
import type { HostClient } from '../host/host-client.ts';
import { base64Of } from './base64.ts';

/** The conversation on the screen: of its messages those that were asked for, by place. */
export interface OpenChat extends Omit<ConversationPage, 'messages' | 'offset' | 'total'> {
  readonly total: number;
  readonly messages: ReadonlyMap<number, Message>;
}

export interface ChatsView {
  /** Undefined until known. */
  readonly list: readonly ConversationEntry[] | undefined;
  readonly total: number;
  readonly folders: readonly string[];
  /** Undefined: a new one, which begins with its first question. */
  readonly open: OpenChat | undefined;
  /** Of a conversation that has not begun. */
  readonly draft: string;
  /** How much of a file that is imported is with the host, 0..1. */
  readonly importing: number | undefined;
  /** What a command failed with, until the next one. */
  readonly error: WireError | undefined;
  /** Place of a message that was looked for; to be scrolled to once. */
  readonly target: { readonly index: number } | undefined;
}

/** Where the tab remembers which conversation is open. */
export interface TabStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const KEY = 'omninode.open';
/** Of a conversation that has not begun: only the tab knows it. */
const NEW_DRAFT = 'omninode.draft.new';
/** What the host did not confirm yet: a reload or a lost host must not cost it. */
const UNSAVED_DRAFT = 'omninode.draft';
const PAGE = 60;
const DRAFT_DELAY_MS = 400;
const EMPTY: ChatsView = { list: undefined, total: 0, folders: [], open: undefined, draft: '', importing: undefined, error: undefined, target: undefined };

/** The conversations as the host has them: asked for again when it says that they changed. */
export class ChatsStore {
  readonly store: StoreApi<ChatsView> = createStore(() => EMPTY);
  readonly #client: HostClient;
  readonly #storage: TabStorage;
  readonly #onBegun: (id: string) => void;
  #openId: string | undefined;
  #draftTimer: ReturnType<typeof setTimeout> | undefined;
  #unsaved: Draft | undefined;
  readonly #asked = new Set<number>();
  #isRefreshing = false;
  #beginning: Promise<string | undefined> | undefined;
  #isStale = false;

  /** `onBegun`: what was of no conversation yet is of this one. */
  constructor(client: HostClient, storage: TabStorage, onBegun: (id: string) => void = () => undefined) {
    this.#client = client;
    this.#storage = storage;
    this.#onBegun = onBegun;
    // Empty where none was open.
    this.#openId = storage.getItem(KEY) || undefined;
    this.#unsaved = draftFrom(storage.getItem(UNSAVED_DRAFT));
    this.store.setState({ draft: storage.getItem(NEW_DRAFT) ?? '' });
    client.store.subscribe((view, old) => {
      const isBack = view.link === 'online' && old.link !== 'online';
      if (isBack) this.#saveDraftNow();
      if (isBack || (view.link === 'online' && view.state?.conversations?.revision !== old.state?.conversations?.revision)) this.#refresh();
    });
  }

  async select(id: string | undefined, messageId?: string): Promise<void> {
    this.#saveDraftNow();
    this.#openId = id;
    this.#storage.setItem(KEY, id ?? '');
    this.#asked.clear();
    this.store.setState({ error: undefined, target: undefined, ...(id === undefined ? { open: undefined } : {}) });
    if (id === undefined) return;
    const index = messageId === undefined ? undefined : (await this.#call('conversations.choose', { id, messageId }))?.index;
    await this.#load(id, index === undefined ? undefined : Math.max(0, index - PAGE / 2));
    if (index !== undefined) this.store.setState({ target: { index } });
  }

  /** Asks in the open conversation, or begins one. */
  async send(text: string, { edits, attachments }: { readonly edits?: string; readonly attachments?: readonly string[] } = {}): Promise<boolean> {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = undefined;
    const id = await this.#openOrBegin();
    if (id === undefined) return false;
    const sent = await this.#call('conversations.send', { id, text, ...(edits === undefined ? {} : { edits }), ...(attachments === undefined ? {} : { attachments }) });
    // The host has emptied its own.
    if (sent !== undefined && this.#unsaved?.draft === '') this.#keep(undefined);
    return sent !== undefined;
  }

  regenerate = (messageId: string): Promise<unknown> => this.#onOpen((id) => this.#call('conversations.regenerate', { id, messageId }));
  continue = (messageId: string): Promise<unknown> => this.#onOpen((id) => this.#call('conversations.continue', { id, messageId }));
  /** Null takes back what was said of it. */
  rate = (messageId: string, rating: Rating | null): Promise<unknown> => this.#onOpen((id) => this.#call('conversations.rate', { id, messageId, rating }));
  choose = (messageId: string): Promise<unknown> => this.#onOpen((id) => this.#call('conversations.choose', { id, messageId }));
  stop = (): Promise<unknown> => this.#onOpen((id) => this.#call('conversations.stop', { id }));

  async update(id: string, change: ConversationChange): Promise<void> {
    await this.#call('conversations.update', { id, change });
  }

  /** Settings of the open conversation; begins one when there is none. */
  async settings(change: Pick<ConversationChange, 'system' | 'options'>): Promise<void> {
    const id = await this.#openOrBegin();
    if (id !== undefined) await this.update(id, change);
  }

  async delete(id: string): Promise<void> {
    await this.#call('conversations.delete', { id });
    if (this.#openId === id) await this.select(undefined);
  }

  /** One after the other; how far it is, is `importing`. */
  async import(file: Blob): Promise<void> {
    if (this.store.getState().importing !== undefined) return;
    this.store.setState({ importing: 0, error: undefined });
    const made = await this.#bring(file).finally(() => this.store.setState({ importing: undefined }));
    if (made !== undefined) await this.select(made.id);
  }

  // In parts: a call has a limit, and the host says by its pace how fast.
  async #bring(file: Blob): Promise<CommandOutput<'conversations.importParts'> | undefined> {
    const { partBytes } = CONVERSATION_LIMITS;
    let uploadId: string | undefined;
    for (let at = 0; at === 0 || at < file.size; at += partBytes) {
      const part = await base64Of(file.slice(at, at + partBytes));
      uploadId = (await this.#call('conversations.importPart', { part, ...(uploadId === undefined ? {} : { uploadId }) }))?.uploadId;
      if (uploadId === undefined) return undefined;
      this.store.setState({ importing: Math.min(1, (at + partBytes) / Math.max(1, file.size)) });
    }
    return uploadId === undefined ? undefined : this.#call('conversations.importParts', { uploadId });
  }

  export = (id: string, format: 'json' | 'markdown'): Promise<CommandOutput<'conversations.export'> | undefined> => this.#call('conversations.export', { id, format });

  async search(text: string): Promise<CommandOutput<'conversations.search'>['hits']> {
    return (await this.#call('conversations.search', { text }))?.hits ?? [];
  }

  /** Kept on the screen and in the tab at once, in the host a moment later. */
  setDraft(draft: string): void {
    const { open } = this.store.getState();
    if (open === undefined) return this.#setNewDraft(draft);
    this.store.setState({ open: { ...open, draft } });
    this.#keep({ id: open.conversation.id, draft });
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.#saveDraftNow(), DRAFT_DELAY_MS);
  }

  /** Asks for the messages around a place, once. */
  need(index: number): void {
    const { open } = this.store.getState();
    const offset = Math.floor(index / PAGE) * PAGE;
    if (open === undefined || open.messages.has(index) || this.#asked.has(offset)) return;
    this.#asked.add(offset);
    void this.#load(open.conversation.id, offset).finally(() => this.#asked.delete(offset));
  }

  fail(error: WireError | undefined): void {
    this.store.setState({ error });
  }

  // One for all who ask while it begins: a question sent right after settings is asked with them.
  #openOrBegin(): Promise<string | undefined> {
    if (this.#openId !== undefined) return Promise.resolve(this.#openId);
    return this.#beginning ??= this.#begin().finally(() => { this.#beginning = undefined; });
  }

  async #begin(): Promise<string | undefined> {
    const conversation = await this.#call('conversations.create', {});
    if (conversation === undefined || this.#openId !== undefined) return conversation?.id;
    const { id } = conversation;
    const { draft } = this.store.getState();
    this.#openId = id;
    this.#storage.setItem(KEY, id);
    this.#asked.clear();
    this.#onBegun(id);
    this.#setNewDraft('');
    this.store.setState({ open: { conversation, system: '', options: {}, draft, total: 0, messages: new Map() } });
    // What is being written goes along.
    if (draft !== '') this.setDraft(draft);
    return id;
  }

  #setNewDraft(draft: string): void {
    this.#storage.setItem(NEW_DRAFT, draft);
    this.store.setState({ draft });
  }

  #keep(unsaved: Draft | undefined): void {
    this.#unsaved = unsaved;
    this.#storage.setItem(UNSAVED_DRAFT, unsaved === undefined ? '' : JSON.stringify(unsaved));
  }

  #saveDraftNow(): void {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = undefined;
    const unsaved = this.#unsaved;
    if (unsaved === undefined) return;
    const saved = (): void => { if (this.#unsaved === unsaved) this.#keep(undefined); };
    // Without a host it waits for the next one; a conversation that is gone needs none.
    this.#client.call('conversations.update', { id: unsaved.id, change: { draft: unsaved.draft } }).then(saved, (error: unknown) => { if (error instanceof HostError && error.code !== 'BRIDGE_DISCONNECTED') saved(); });
  }

  // Changes that come while one is asked for are asked for together, afterwards.
  #refresh(): void {
    this.#isStale = true;
    if (!this.#isRefreshing) void this.#refreshAll();
  }

  async #refreshAll(): Promise<void> {
    this.#isRefreshing = true;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const list = await this.#call('conversations.list', {});
        if (list !== undefined) this.store.setState({ list: list.conversations, total: list.total, folders: list.folders });
        if (this.#openId !== undefined) await this.#load(this.#openId);
      }
    } finally {
      // At once, not a turn later: a change told in between would be nobody's.
      this.#isRefreshing = false;
    }
  }

  async #load(id: string, offset?: number): Promise<void> {
    const page = await this.#client.call('conversations.open', { id, ...(offset === undefined ? {} : { offset }) }).catch((error: unknown) => {
      if (error instanceof HostError && error.code === 'CHATS_NOT_FOUND') void this.select(undefined);
      return undefined;
    });
    if (page === undefined || this.#openId !== id) return;
    const { messages, total, ...rest } = page;
    const { open } = this.store.getState();
    const known = open?.conversation.id === id ? open : undefined;
    const merged = stillTrue(known?.messages, messages, offset === undefined);
    for (const message of messages) merged.set(message.index, message);
    this.store.setState({ open: { ...rest, draft: this.#unsaved?.id === id ? this.#unsaved.draft : rest.draft, total, messages: merged } });
  }

  #onOpen(work: (id: string) => Promise<unknown>): Promise<unknown> {
    const id = this.store.getState().open?.conversation.id;
    return id === undefined ? Promise.resolve() : work(id);
  }

  async #call<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N> | undefined> {
    try {
      const value = await this.#client.call(name, input);
      return value;
    } catch (error) {
      if (error instanceof HostError && error.code !== 'BRIDGE_DISCONNECTED') this.store.setState({ error: error.wire });
      return undefined;
    }
  }
}

interface Draft {
  readonly id: string;
  readonly draft: string;
}

function draftFrom(kept: string | null): Draft | undefined {
  const { id, draft } = JSON.parse(kept || '{}') as Partial<Record<string, unknown>>;
  return typeof id === 'string' && typeof draft === 'string' ? { id, draft } : undefined;
}

/**
 * What of the known messages belongs to the branch that a new page is of. A message has one line of ancestors: all before one
 * that is the same are the same too. The host says when a branch changes, and then the last page is asked for: what it does not vouch for goes.
 */
function stillTrue(known: OpenChat['messages'] | undefined, page: readonly Message[], isRefresh: boolean): Map<number, Message> {
  const all = [...known ?? []];
  if (isRefresh) {
    const agreed = page.findLast(({ index, id }) => known?.get(index)?.id === id)?.index ?? -1;
    return new Map(all.filter(([index]) => index <= agreed));
  }
  return new Map(page.some(({ index, id }) => (known?.get(index)?.id ?? id) !== id) ? [] : all);
}

export interface LiveMessage extends Message {
  readonly progress?: ChatProgress | undefined;
}

/** A message as it is now: the text of one that is being written comes from the answers that the host tells. */
export function liveMessage(message: Message, state: Pick<HostState, 'answers'> | undefined): LiveMessage {
  const answer = state?.answers[message.id];
  if (message.state !== 'writing' || answer === undefined) return message;
  return {
    ...message, content: answer.text, progress: answer.progress, state: isRunning(answer) ? 'writing' : answer.error === undefined ? 'done' : 'failed',
    ...(answer.finish === undefined ? {} : { finish: answer.finish }), ...(answer.error === undefined ? {} : { error: answer.error }),
  };
}
