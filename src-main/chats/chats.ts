import { CONVERSATION_LIMITS, type ChatMessage, type CommandOutput, type CommandParsed, type ConversationEntry, type ConversationList, type ConversationPage, type Hit, type Preset } from '../../src-preload/bridge/index.ts';
import { Events, isAlive, isCoded, systemClock, type Clock, type Logger } from '../base/index.ts';
import { Answers, promptOf } from './answers.ts';
import { ConversationTable, optionsOf } from './conversation-table.ts';
import { Database, setAside } from './database.ts';
import { chatsErrors } from './errors.ts';
import type { ChatsEvents } from './events.ts';
import { finishOf, MessageTree, type MessageRow } from './message-tree.ts';
import { CHATS_DEFAULTS, type ChatsOptions } from './options.ts';
import type { Answerer } from './ports.ts';
import { search } from './search.ts';
import { fileNameOf, readTransfer, writeJson, writeMarkdown } from './transfer.ts';

export interface ChatsInit {
  readonly path: string;
  readonly answerer: Answerer;
  readonly logger: Logger;
  readonly options?: Partial<ChatsOptions>;
  readonly clock?: Clock;
}

/** The conversations of a home. Every change is on the disk when a call returns; calls are synchronous and short. */
export class Chats {
  readonly events = new Events<ChatsEvents>();
  readonly #db: Database;
  readonly #conversations: ConversationTable;
  readonly #tree: MessageTree;
  readonly #answers: Answers;
  readonly #options: ChatsOptions;
  readonly #clock: Clock;

  /** A damaged file is set aside, and a new one begun. Throws CHATS_TOO_NEW, CHATS_UNUSABLE. */
  constructor({ path, answerer, logger, options, clock = systemClock }: ChatsInit) {
    this.#options = { ...CHATS_DEFAULTS, ...options };
    this.#clock = clock;
    this.#db = openOrBegin(path, logger, clock);
    this.#conversations = new ConversationTable(this.#db, clock);
    this.#tree = new MessageTree(this.#db);
    this.#tree.interrupt((writer) => writer !== process.pid && isAlive(writer));
    this.#answers = new Answers({ answerer, tree: this.#tree, events: this.events, options: this.#options, onEnd: (id) => this.#said(id) });
  }

  async close(): Promise<void> {
    await this.#answers.stopAll();
    this.#db.close();
  }

  list({ offset, limit }: CommandParsed<'conversations.list'>): ConversationList {
    return this.#conversations.list(offset, limit);
  }

  search({ text }: { readonly text: string }): { hits: Hit[] } {
    return { hits: search(this.#db, text) };
  }

  create(): ConversationEntry {
    const id = this.#conversations.create(this.#options.defaultTitle, false);
    this.#changed(id);
    return this.#conversations.entry(id);
  }

  open({ id, offset, limit }: CommandParsed<'conversations.open'>): ConversationPage {
    const { system, options, draft } = this.#conversations.row(id);
    const total = this.#tree.pathLength(id);
    const from = Math.min(total, offset ?? Math.max(0, total - limit));
    const rows = withinChars(this.#tree.path(id, from, from + limit), offset === undefined);
    return {
      conversation: this.#conversations.entry(id), system, options: optionsOf(options), draft, total, offset: rows[0]?.depth ?? from,
      messages: rows.map((row) => this.#tree.view(row)),
    };
  }

  update({ id, change }: CommandParsed<'conversations.update'>): ConversationEntry {
    this.#conversations.update(id, change);
    // A draft is of the page that writes it.
    if (Object.keys(change).some((key) => key !== 'draft')) this.#changed(id);
    return this.#conversations.entry(id);
  }

  async delete({ id }: { readonly id: string }): Promise<Record<string, never>> {
    await this.#answers.stopAndWait(id);
    this.#conversations.delete(id);
    this.#changed(id);
    return {};
  }

  /** Throws CHATS_NOT_POSSIBLE when `edits` is no question. */
  send({ id, text, edits }: CommandParsed<'conversations.send'>): { answerId: string } {
    const edited = edits === undefined ? undefined : this.#tree.get(id, edits);
    if (edited?.role === 'assistant') throw chatsErrors.notPossible({ reason: 'only a question can be edited' });
    return this.#answer(id, () => {
      const leaf = this.#tree.leaf(id);
      const above = edited === undefined ? leaf?.id ?? null : edited.parent_id;
      const parentId = edited === undefined && leaf?.role === 'user' ? leaf.parent_id : above;
      const questionId = this.#tree.add({ conversationId: id, parentId, role: 'user', content: text, state: 'done', createdAt: this.#clock.now() });
      this.#conversations.touch(id, text);
      this.#conversations.update(id, { draft: '' });
      return this.#newAnswer(id, questionId);
    });
  }

  regenerate({ id, messageId }: CommandParsed<'conversations.regenerate'>): { answerId: string } {
    const { role, parent_id } = this.#tree.get(id, messageId);
    if (role === 'user' || parent_id === null) throw chatsErrors.notPossible({ reason: 'only an answer can be written again' });
    return this.#answer(id, () => {
      this.#tree.choose(id, messageId);
      return this.#newAnswer(id, parent_id);
    });
  }

  continue({ id, messageId }: CommandParsed<'conversations.continue'>): { answerId: string } {
    const message = this.#tree.get(id, messageId);
    if (message.role === 'user' || this.#tree.variants(id, messageId).length > 0) throw chatsErrors.notPossible({ reason: 'only the last answer can be continued' });
    return this.#answer(id, () => {
      this.#tree.choose(id, messageId);
      this.#tree.begin(messageId, process.pid);
      return messageId;
    });
  }

  stop({ id }: { readonly id: string }): { isStopped: boolean } {
    return { isStopped: this.#answers.stop(id) };
  }

  choose({ id, messageId }: CommandParsed<'conversations.choose'>): { index: number } {
    const index = this.#tree.choose(id, messageId);
    this.#changed(id);
    return { index };
  }

  export({ id, format }: CommandParsed<'conversations.export'>): CommandOutput<'conversations.export'> {
    const { title, system, options } = this.#conversations.row(id);
    if (format === 'markdown') return { fileName: fileNameOf(title, 'md'), text: writeMarkdown({ title, system, messages: this.#tree.path(id, 0, this.#tree.pathLength(id)) }) };
    const rows = this.#tree.all(id);
    const places = new Map(rows.map((row, index) => [row.id, index]));
    const messages = rows.map((row) => {
      const finish = finishOf(row);
      return {
        parent: row.parent_id === null ? null : places.get(row.parent_id) ?? null, role: row.role, content: row.content, createdAt: row.created_at,
        isChosen: row.is_chosen === 1, ...(finish === undefined ? {} : { finish }),
      };
    });
    return { fileName: fileNameOf(title, 'json'), text: writeJson({ title, system, options: optionsOf(options), messages }) };
  }

  /** Throws CHATS_BAD_FILE. */
  import({ text }: { readonly text: string }): ConversationEntry {
    const { title, system, options, messages } = readTransfer(text, this.#clock.now());
    const id = this.#db.transaction(() => {
      const created = this.#conversations.create(title, true);
      this.#conversations.update(created, { system, options });
      const ids: string[] = [];
      for (const { parent, role, content, createdAt, finish } of messages) {
        ids.push(this.#tree.add({ conversationId: created, parentId: parent === null ? null : ids[parent] ?? null, role, content, state: 'done', createdAt, finish }));
      }
      // Deepest first, so that the branch that is shown is chosen last.
      for (const [index, { isChosen }] of [...messages.entries()].toReversed()) if (isChosen) this.#tree.prefer(created, ids[index] ?? '');
      return created;
    });
    this.#changed(id);
    return this.#conversations.entry(id);
  }

  presets(): { presets: Preset[] } {
    return { presets: this.#conversations.presets() };
  }

  savePreset(preset: Preset): Record<string, never> {
    this.#conversations.savePreset(preset);
    return {};
  }

  deletePreset({ name }: { readonly name: string }): Record<string, never> {
    this.#conversations.deletePreset(name);
    return {};
  }

  /** `begin` makes or chooses the message that is to be written, as the last of the branch that is shown. */
  #answer(id: string, begin: () => string): { answerId: string } {
    const { system, options } = this.#conversations.row(id);
    this.#answers.check(id);
    this.#tree.checkRoom(id);
    const answerId = this.#db.transaction(begin);
    const answer = this.#tree.get(id, answerId);
    const branch = this.#tree.path(id, 0, answer.depth).map(({ role, content }): ChatMessage => ({ role, content }));
    const messages = promptOf(system, answer.content === '' ? branch : [...branch, { role: 'assistant', content: answer.content }], this.#options.historyChars);
    this.#answers.start({ conversationId: id, answerId, begun: answer.content, messages, options: optionsOf(options) });
    this.#changed(id);
    return { answerId };
  }

  #newAnswer(id: string, parentId: string): string {
    return this.#tree.add({ conversationId: id, parentId, role: 'assistant', content: '', state: 'writing', createdAt: this.#clock.now(), writer: process.pid });
  }

  #said(id: string): void {
    this.#conversations.touch(id);
    this.#changed(id);
  }

  #changed(conversationId: string): void {
    this.events.emit('changed', { conversationId });
  }
}

// A page of long messages has fewer of them; one is always there.
function withinChars(rows: readonly MessageRow[], fromEnd: boolean): MessageRow[] {
  let chars = 0;
  const kept = (fromEnd ? rows.toReversed() : rows).filter(({ content }, index) => {
    chars += content.length;
    return index === 0 || chars <= CONVERSATION_LIMITS.pageChars;
  });
  return fromEnd ? kept.toReversed() : kept;
}

function openOrBegin(path: string, logger: Logger, clock: Clock): Database {
  try {
    return new Database(path);
  } catch (error) {
    if (!isCoded(error, 'CHATS_DAMAGED')) throw error;
    logger.warn({ code: error.code, aside: setAside(path, clock.now()) }, 'the conversations were damaged and are set aside');
    return new Database(path);
  }
}
