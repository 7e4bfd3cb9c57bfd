import { randomUUID } from 'node:crypto';
import { chatFinishSchema, wireErrorSchema, type ChatFinish, type Message, type Rating, type WireError } from '../../src-preload/bridge/index.ts';
import type { Database } from './database.ts';
import { chatsErrors } from './errors.ts';
import { CHATS_LIMITS } from './options.ts';

export interface MessageRow {
  readonly seq: number;
  readonly id: string;
  readonly conversation_id: string;
  readonly parent_id: string | null;
  readonly depth: number;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly state: Message['state'];
  readonly finish: string | null;
  readonly error: string | null;
  readonly writer: number | null;
  readonly paid_session: string | null;
  readonly rating: Rating | null;
  readonly is_chosen: 0 | 1;
  readonly created_at: number;
}

export interface NewMessage {
  readonly conversationId: string;
  readonly parentId: string | null;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly state: Message['state'];
  readonly createdAt: number;
  readonly finish?: ChatFinish | undefined;
  readonly writer?: number;
}

const COUNT = 'SELECT count(*) AS n FROM messages WHERE conversation_id = ?';
const ON_PATH = 'conversation_id = ? AND on_path = 1';
/** CROSS JOIN: the step begins with the last message, not with all of the conversation. From `?2` (a message) down along the chosen ones. */
const DOWN = `WITH RECURSIVE down (id) AS (
  SELECT id FROM messages WHERE conversation_id = ?1 AND id = ?2
  UNION ALL SELECT messages.id FROM down CROSS JOIN messages ON messages.conversation_id = ?1 AND messages.parent_id = down.id WHERE messages.is_chosen = 1
) UPDATE messages SET on_path = 1 WHERE id IN (SELECT id FROM down)`;
const UP = `WITH RECURSIVE up (id, parent_id, depth, is_chosen) AS (
  SELECT id, parent_id, depth, is_chosen FROM messages WHERE id = ?
  UNION ALL SELECT messages.id, messages.parent_id, messages.depth, messages.is_chosen FROM up CROSS JOIN messages ON messages.id = up.parent_id
) SELECT id FROM up WHERE is_chosen = 0 ORDER BY depth`;

/** The messages of all conversations: trees whose chosen branch is kept at every fork. */
export class MessageTree {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(conversationId: string, id: string): MessageRow {
    return this.#db.one<MessageRow>('message', 'SELECT * FROM messages WHERE id = ? AND conversation_id = ?', id, conversationId);
  }

  /** Adds a message and chooses it. Throws CHATS_FULL. */
  add({ conversationId, parentId, role, content, state, createdAt, finish, writer }: NewMessage): string {
    const id = randomUUID();
    return this.#db.transaction(() => {
      if (this.variants(conversationId, parentId).length >= CHATS_LIMITS.variants) throw chatsErrors.full({ what: 'variants of this message', limit: CHATS_LIMITS.variants });
      const depth = parentId === null ? 0 : this.get(conversationId, parentId).depth + 1;
      this.#db.run(
        'INSERT INTO messages (id, conversation_id, parent_id, depth, role, content, state, finish, writer, is_chosen, on_path, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)',
        id, conversationId, parentId, depth, role, content, state, finish === undefined ? null : JSON.stringify(finish), writer ?? null, createdAt,
      );
      if (parentId === null || this.#isOnPath(parentId)) this.prefer(conversationId, id);
      else this.choose(conversationId, id);
      return id;
    });
  }

  /** Makes a message part of the branch that is shown, which then goes on as it was chosen below it. Returns its index there. */
  choose(conversationId: string, id: string): number {
    const { depth } = this.get(conversationId, id);
    this.#db.transaction(() => {
      for (const row of this.#db.all<{ id: string }>(UP, id)) this.prefer(conversationId, row.id);
    });
    return depth;
  }

  /** Chooses a message among its siblings alone, wherever its parent is. */
  prefer(conversationId: string, id: string): void {
    this.#db.transaction(() => {
      const { parent_id, depth, is_chosen } = this.get(conversationId, id);
      if (is_chosen === 1) return;
      this.#db.run('UPDATE messages SET is_chosen = 0 WHERE conversation_id = ? AND parent_id IS ? AND is_chosen = 1', conversationId, parent_id);
      this.#db.run('UPDATE messages SET is_chosen = 1 WHERE id = ?', id);
      if (parent_id !== null && !this.#isOnPath(parent_id)) return;
      this.#db.run(`UPDATE messages SET on_path = 0 WHERE ${ON_PATH} AND depth >= ?`, conversationId, depth);
      this.#db.run(DOWN, conversationId, id);
    });
  }

  /** Ids of the children of a message, or of all beginnings, oldest first. */
  variants(conversationId: string, parentId: string | null): string[] {
    return this.#db.all<{ id: string }>('SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ? ORDER BY seq', conversationId, parentId).map(({ id }) => id);
  }

  /** Throws CHATS_FULL when no question and answer more may be added. */
  checkRoom(conversationId: string): void {
    if ((this.#db.get<{ n: number }>(COUNT, conversationId)?.n ?? 0) > CHATS_LIMITS.messages - 2) throw chatsErrors.full({ what: 'messages in this conversation', limit: CHATS_LIMITS.messages });
  }

  /** How long the branch that is shown is. */
  pathLength(conversationId: string): number {
    return (this.#db.get<{ depth: number | null }>(`SELECT max(depth) AS depth FROM messages WHERE ${ON_PATH}`, conversationId)?.depth ?? -1) + 1;
  }

  /** Messages of the branch that is shown, `[from, to)`. */
  path(conversationId: string, from: number, to: number): MessageRow[] {
    return this.#db.all<MessageRow>(`SELECT * FROM messages WHERE ${ON_PATH} AND depth >= ? AND depth < ? ORDER BY depth`, conversationId, from, to);
  }

  leaf(conversationId: string): MessageRow | undefined {
    return this.#db.get<MessageRow>(`SELECT * FROM messages WHERE ${ON_PATH} ORDER BY depth DESC LIMIT 1`, conversationId);
  }

  /** Oldest first, each after its parent. */
  all(conversationId: string): MessageRow[] {
    return this.#db.all<MessageRow>('SELECT * FROM messages WHERE conversation_id = ? ORDER BY seq', conversationId);
  }

  view(row: MessageRow): Message {
    const [finish, error] = [finishOf(row), parsed(row.error, wireErrorSchema)];
    return {
      id: row.id, role: row.role, content: row.content, state: row.state, createdAt: row.created_at, index: row.depth, variants: this.variants(row.conversation_id, row.parent_id),
      ...(finish === undefined ? {} : { finish }), ...(error === undefined ? {} : { error }),
      ...(row.paid_session === null || row.state !== 'done' ? {} : { rating: row.rating }),
    };
  }

  setContent(id: string, content: string): void {
    this.#db.run('UPDATE messages SET content = ? WHERE id = ?', content, id);
  }

  begin(id: string, writer: number): void {
    this.#db.run("UPDATE messages SET state = 'writing', writer = ?, finish = NULL, error = NULL WHERE id = ?", writer, id);
  }

  end(id: string, { content, state, finish, error }: { readonly content: string; readonly state: Message['state']; readonly finish?: ChatFinish | undefined; readonly error?: WireError | undefined }): void {
    this.#db.run('UPDATE messages SET content = ?, state = ?, finish = ?, error = ?, writer = NULL WHERE id = ?', content, state, finish === undefined ? null : JSON.stringify(finish), error === undefined ? null : JSON.stringify(error), id);
  }

  /** Where another session paid for it, what was said of it before is not about this one. */
  setPaidBy(id: string, session: string | null): void {
    this.#db.run('UPDATE messages SET rating = CASE WHEN paid_session IS ?1 THEN rating END, paid_session = ?1 WHERE id = ?2', session, id);
  }

  setRating(id: string, rating: Rating | null): void {
    this.#db.run('UPDATE messages SET rating = ? WHERE id = ?', rating, id);
  }

  /** Answers whose writer does not run any more are interrupted. */
  interrupt(isRunning: (writer: number) => boolean): void {
    for (const { id, writer } of this.#db.all<{ id: string; writer: number | null }>("SELECT id, writer FROM messages WHERE state = 'writing'")) {
      if (writer === null || !isRunning(writer)) this.#db.run("UPDATE messages SET state = 'interrupted', writer = NULL WHERE id = ?", id);
    }
  }

  #isOnPath(id: string): boolean {
    return this.#db.get('SELECT 1 FROM messages WHERE id = ? AND on_path = 1', id) !== undefined;
  }
}

export const finishOf = ({ finish }: Pick<MessageRow, 'finish'>): ChatFinish | undefined => parsed(finish, chatFinishSchema);

function parsed<T>(text: string | null, schema: { safeParse(value: unknown): { success: boolean; data?: T } }): T | undefined {
  return text === null ? undefined : schema.safeParse(JSON.parse(text)).data;
}
