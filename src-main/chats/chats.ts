import { CONVERSATION_LIMITS, type Attachment, type AttachmentCost, type ChatMessage, type Message, type CommandOutput, type CommandParsed, type ConversationEntry, type ConversationList, type ConversationPage, type Hit, type Preset } from '../../src-preload/bridge/index.ts';
import { Events, type FileParts, isAlive, isCoded, systemClock, type Clock, type Logger } from '../base/index.ts';
import { Answers, promptOf, type PromptInit, type Prompt } from './answers.ts';
import { AttachmentTable, type NewAttachment } from './attachment-table.ts';
import { AttachmentCosts } from './attachment-costs.ts';
import { compose, roomTokens, type Turn } from './compose.ts';
import { ConversationTable, optionsOf } from './conversation-table.ts';
import { Database, setAside } from './database.ts';
import { chatsErrors } from './errors.ts';
import type { ChatsEvents } from './events.ts';
import { finishOf, MessageTree, type MessageRow } from './message-tree.ts';
import { CHATS_DEFAULTS, type ChatsOptions } from './options.ts';
import type { Answerer, ModelReader, Rater } from './ports.ts';
import { search } from './search.ts';
import { fileNameOf, importedParts, readTransfer, textOf, writeJson, writeMarkdown } from './transfer.ts';

export interface ChatsInit {
  readonly path: string;
  readonly answerer: Answerer;
  /** Without one, tokens are guessed, and told to nobody. */
  readonly reader?: ModelReader;
  /** Without one, no answer can be rated. */
  readonly rater?: Rater;
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
  readonly #attachments: AttachmentTable;
  readonly #costs: AttachmentCosts;
  readonly #answers: Answers;
  readonly #parts: FileParts;
  readonly #rater: Rater | undefined;
  readonly #options: ChatsOptions;
  readonly #clock: Clock;

  /** A damaged file is set aside, and a new one begun. Throws CHATS_TOO_NEW, CHATS_UNUSABLE. */
  constructor({ path, answerer, reader, rater, logger, options, clock = systemClock }: ChatsInit) {
    this.#options = { ...CHATS_DEFAULTS, ...options };
    this.#clock = clock;
    this.#rater = rater;
    this.#parts = importedParts(clock);
    this.#db = openOrBegin(path, logger, clock);
    this.#conversations = new ConversationTable(this.#db, clock);
    this.#tree = new MessageTree(this.#db);
    this.#attachments = new AttachmentTable(this.#db, clock);
    this.#attachments.sweep();
    this.#costs = new AttachmentCosts(reader ?? guessing(this.#options.historyChars()), (id) => this.#attachments.text(id));
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
      messages: rows.map((row) => this.#view(row)),
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

  /** Throws CHATS_NOT_POSSIBLE when `edits` is no question, CHATS_TOO_LONG when it is known already that the attachments do not fit. */
  send({ id, text, edits, attachments }: CommandParsed<'conversations.send'>): { answerId: string } {
    const edited = edits === undefined ? undefined : this.#tree.get(id, edits);
    if (edited?.role === 'assistant') throw chatsErrors.notPossible({ reason: 'only a question can be edited' });
    const files = attachments ?? (edited === undefined ? [] : this.#attachments.of(edited.seq).map((file) => file.id));
    this.#checkRoom(id, files);
    return this.#answer(id, () => {
      const leaf = this.#tree.leaf(id);
      const above = edited === undefined ? leaf?.id ?? null : edited.parent_id;
      const parentId = edited === undefined && leaf?.role === 'user' ? leaf.parent_id : above;
      const questionId = this.#tree.add({ conversationId: id, parentId, role: 'user', content: text, state: 'done', createdAt: this.#clock.now() });
      this.#attachments.attach(id, this.#tree.get(id, questionId).seq, files);
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

  /** Throws CHATS_NOT_POSSIBLE, and what the rater throws: then it is as it was. */
  async rate({ id, messageId, rating }: CommandParsed<'conversations.rate'>): Promise<Record<string, never>> {
    const { state, paid_session: session } = this.#tree.get(id, messageId);
    if (session === null || state !== 'done' || this.#rater === undefined) throw chatsErrors.notPossible({ reason: 'only an answer that was paid for can be rated' });
    await this.#rater.rate({ session, answer: messageId, rating });
    this.#tree.setRating(messageId, rating);
    this.#changed(id);
    return {};
  }

  export({ id, format }: CommandParsed<'conversations.export'>): CommandOutput<'conversations.export'> {
    const { title, system, options } = this.#conversations.row(id);
    if (format === 'markdown') return { fileName: fileNameOf(title, 'md'), text: writeMarkdown({ title, system, messages: this.#turns(id, this.#tree.pathLength(id)) }) };
    const rows = this.#tree.all(id);
    const files = this.#attachments.all(id);
    const places = new Map(rows.map((row, index) => [row.id, index]));
    const messages = rows.map((row) => {
      const finish = finishOf(row);
      const attached = this.#attachments.of(row.seq).map((one) => files.findIndex((file) => file.id === one.id));
      return {
        parent: row.parent_id === null ? null : places.get(row.parent_id) ?? null, role: row.role, content: row.content, createdAt: row.created_at,
        isChosen: row.is_chosen === 1, ...(finish === undefined ? {} : { finish }), ...(attached.length === 0 ? {} : { attachments: attached }),
      };
    });
    return { fileName: fileNameOf(title, 'json'), text: writeJson({ title, system, options: optionsOf(options), messages, ...(files.length === 0 ? {} : { attachments: files.map(({ name, kind, sizeBytes, pages, text }) => ({ name, kind, sizeBytes, ...(pages === undefined ? {} : { pages }), text })) }) }) };
  }

  /** Throws CHATS_BAD_FILE. */
  import({ text }: { readonly text: string }): ConversationEntry {
    const { title, system, options, messages, attachments: files = [] } = readTransfer(text, this.#clock.now());
    const id = this.#db.transaction(() => {
      const created = this.#conversations.create(title, true);
      this.#conversations.update(created, { system, options });
      const ids: string[] = [];
      const fileIds = files.map((file) => this.#attachments.add(file, created).id);
      for (const { parent, role, content, createdAt, finish, attachments = [] } of messages) {
        const messageId = this.#tree.add({ conversationId: created, parentId: parent === null ? null : ids[parent] ?? null, role, content, state: 'done', createdAt, finish });
        if (attachments.length > 0) this.#attachments.attach(created, this.#tree.get(created, messageId).seq, attachments.map((place) => fileIds[place] ?? ''));
        ids.push(messageId);
      }
      // Deepest first, so that the branch that is shown is chosen last.
      for (const [index, { isChosen }] of [...messages.entries()].toReversed()) if (isChosen) this.#tree.prefer(created, ids[index] ?? '');
      return created;
    });
    this.#changed(id);
    return this.#conversations.entry(id);
  }

  /** Throws CHATS_FILE_TOO_LARGE, CHATS_IMPORT_BUSY, CHATS_IMPORT_GONE. */
  importPart({ uploadId, part }: CommandParsed<'conversations.importPart'>): CommandOutput<'conversations.importPart'> {
    return this.#parts.add(Buffer.from(part, 'base64'), uploadId);
  }

  /** Throws CHATS_BAD_FILE, CHATS_IMPORT_GONE. */
  importParts({ uploadId }: { readonly uploadId: string }): ConversationEntry {
    return this.import({ text: textOf(this.#parts.take(uploadId)) });
  }

  /** Keeps the text of a file until a question is sent with it, for a day. */
  addAttachment(file: NewAttachment): Attachment {
    return this.#attachments.add(file);
  }

  attachmentText(id: string): string {
    return this.#attachments.text(id);
  }

  attachmentCost(id: string): Promise<AttachmentCost> {
    return this.#costs.cost(id);
  }

  /** Forgets one that no question has. */
  discardAttachment(id: string): void {
    this.#attachments.discard(id);
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
    const chatOptions = optionsOf(options);
    this.#answers.start({
      conversationId: id, answerId, begun: answer.content, options: chatOptions,
      prompt: (init) => this.#prompt(answer, { ...init, system, maxTokens: chatOptions.maxTokens }),
    });
    this.#changed(id);
    return { answerId };
  }

  #prompt(answer: MessageRow, { system, maxTokens, ...init }: PromptInit & { readonly system: string; readonly maxTokens: number | undefined }): Prompt | Promise<Prompt> {
    const { conversation_id: id, depth, content } = answer;
    const begun = content === '' ? [] : [{ role: 'assistant' as const, content, files: [] }];
    if (this.#attachments.isOnPath(id, depth)) return compose({ ...init, reader: this.#costs.reader, system, maxTokens, turns: [...this.#turns(id, depth), ...begun] });
    const branch = this.#tree.path(id, 0, depth).map((row): ChatMessage => ({ role: row.role, content: row.content }));
    return { messages: promptOf(system, content === '' ? branch : [...branch, { role: 'assistant', content }], this.#options.historyChars()) };
  }

  /** The branch that is shown, to a depth, with what its files say. */
  #turns(id: string, below: number): Turn[] {
    return this.#tree.path(id, 0, below).map(({ role, content, seq }) => ({ role, content, files: role === 'user' ? this.#attachments.of(seq).map((file) => ({ ...file, text: this.#attachments.text(file.id) })) : [] }));
  }

  #view(row: MessageRow): Message {
    const attachments = row.role === 'user' ? this.#attachments.of(row.seq) : [];
    return { ...this.#tree.view(row), ...(attachments.length === 0 ? {} : { attachments }) };
  }

  /** Before anything is said. What was not counted yet, and what else the model reads, is known when the answer begins. */
  #checkRoom(id: string, files: readonly string[]): void {
    const { contextTokens, rank } = this.#costs.reader;
    const [tokens, room] = [this.#costs.known(files), roomTokens(contextTokens, optionsOf(this.#conversations.row(id).options).maxTokens)];
    if (rank === undefined && tokens > room) throw chatsErrors.tooLong({ tokens, room });
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

/** Of a host that does not say what it can read. */
const CHARS_PER_TOKEN = 2;
const guessing = (historyChars: number): ModelReader => ({ modelId: undefined, contextTokens: Math.floor(historyChars / CHARS_PER_TOKEN), count: async (text) => Math.ceil(text.length / CHARS_PER_TOKEN) });

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
