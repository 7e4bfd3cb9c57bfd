import { randomUUID } from 'node:crypto';
import { chatOptionsSchema, type ChatOptions, type ConversationChange, type ConversationEntry, type ConversationList, type Preset } from '../../src-preload/bridge/index.ts';
import type { Clock } from '../base/index.ts';
import type { Database } from './database.ts';
import { chatsErrors } from './errors.ts';
import { CHATS_LIMITS } from './options.ts';

export interface ConversationRow {
  readonly id: string;
  readonly title: string;
  /** Named by its user, or else by its first question. */
  readonly is_titled: number;
  readonly folder: string | null;
  readonly is_pinned: number;
  readonly system: string;
  readonly options: string;
  readonly draft: string;
  readonly created_at: number;
  readonly updated_at: number;
}

const IS_ANSWERING = "EXISTS (SELECT 1 FROM messages WHERE conversation_id = conversations.id AND state = 'writing') AS is_answering";
const TITLE_CHARS = 60;

/** Names, folders and settings of conversations, and presets. */
export class ConversationTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  row(id: string): ConversationRow {
    return this.#db.one<ConversationRow>('conversation', 'SELECT * FROM conversations WHERE id = ?', id);
  }

  create(title: string, isTitled: boolean): string {
    if (this.count() >= CHATS_LIMITS.conversations) throw chatsErrors.full({ what: 'conversations', limit: CHATS_LIMITS.conversations });
    const id = randomUUID();
    const now = this.#clock.now();
    this.#db.run("INSERT INTO conversations VALUES (?, ?, ?, NULL, 0, '', '{}', '', ?, ?)", id, title, isTitled ? 1 : 0, now, now);
    return id;
  }

  count(): number {
    return this.#db.get<{ n: number }>('SELECT count(*) AS n FROM conversations')?.n ?? 0;
  }

  entry(id: string): ConversationEntry {
    return this.#entry({ ...this.row(id), ...this.#db.get<{ is_answering: number }>(`SELECT ${IS_ANSWERING} FROM conversations WHERE id = ?`, id) ?? { is_answering: 0 } });
  }

  list(offset: number, limit: number): ConversationList {
    const rows = this.#db.all<ConversationRow & { is_answering: number }>(`SELECT *, ${IS_ANSWERING} FROM conversations ORDER BY is_pinned DESC, updated_at DESC, id LIMIT ? OFFSET ?`, limit, offset);
    const folders = this.#db.all<{ folder: string }>('SELECT DISTINCT folder FROM conversations WHERE folder IS NOT NULL ORDER BY folder LIMIT 1000');
    return { conversations: rows.map((row) => this.#entry(row)), total: this.count(), folders: folders.map(({ folder }) => folder) };
  }

  update(id: string, change: ConversationChange): void {
    const row = this.row(id);
    this.#db.run(
      'UPDATE conversations SET title = ?, is_titled = ?, folder = ?, is_pinned = ?, system = ?, options = ?, draft = ? WHERE id = ?',
      change.title ?? row.title, change.title === undefined ? row.is_titled : 1, change.folder === undefined ? row.folder : change.folder,
      change.isPinned === undefined ? row.is_pinned : Number(change.isPinned), change.system ?? row.system,
      change.options === undefined ? row.options : JSON.stringify(change.options), change.draft ?? row.draft, id,
    );
  }

  /** Something was said: it comes first in the list, and has a name from its first question. */
  touch(id: string, question?: string): void {
    this.#db.run('UPDATE conversations SET updated_at = ? WHERE id = ?', this.#clock.now(), id);
    if (question !== undefined && this.row(id).is_titled === 0) this.#db.run('UPDATE conversations SET title = ?, is_titled = 1 WHERE id = ?', titleOf(question), id);
  }

  delete(id: string): void {
    if (this.#db.run('DELETE FROM conversations WHERE id = ?', id) === 0) throw chatsErrors.notFound({ what: 'conversation' });
  }

  presets(): Preset[] {
    return this.#db.all<{ name: string; system: string; options: string }>('SELECT * FROM presets ORDER BY name').map(({ name, system, options }) => ({ name, system, options: optionsOf(options) }));
  }

  savePreset({ name, system, options }: Preset): void {
    const isNew = this.#db.get('SELECT 1 FROM presets WHERE name = ?', name) === undefined;
    if (isNew && this.presets().length >= CHATS_LIMITS.presets) throw chatsErrors.full({ what: 'presets', limit: CHATS_LIMITS.presets });
    this.#db.run('INSERT OR REPLACE INTO presets VALUES (?, ?, ?)', name, system, JSON.stringify(options));
  }

  deletePreset(name: string): void {
    this.#db.run('DELETE FROM presets WHERE name = ?', name);
  }

  #entry(row: ConversationRow & { readonly is_answering: number }): ConversationEntry {
    return {
      id: row.id, title: row.title, ...(row.folder === null ? {} : { folder: row.folder }), isPinned: row.is_pinned === 1, isAnswering: row.is_answering === 1,
      createdAt: row.created_at, updatedAt: row.updated_at,
    };
  }
}

export const optionsOf = (text: string): ChatOptions => chatOptionsSchema.safeParse(JSON.parse(text)).data ?? {};

function titleOf(question: string): string {
  const line = question.trim().split('\n', 1)[0]?.replaceAll(/\s+/g, ' ') ?? '';
  return line.length <= TITLE_CHARS ? line : `${line.slice(0, TITLE_CHARS - 1).replace(/\s\S*$/, '')}…`;
}
