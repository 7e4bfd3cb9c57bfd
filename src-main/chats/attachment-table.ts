import { randomUUID } from 'node:crypto';
import { ATTACHMENT_LIMITS, attachmentSchema, type Attachment } from '../../src-preload/bridge/index.ts';
import type { Clock } from '../base/index.ts';
import type { Database } from './database.ts';
import { chatsErrors } from './errors.ts';
import { CHATS_LIMITS } from './options.ts';

/** A file of which the text is kept. */
export interface NewAttachment extends Omit<Attachment, 'id' | 'chars'> {
  readonly text: string;
}

export interface FileText extends Attachment {
  readonly text: string;
}

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly conversation_id: string | null;
  readonly name: string;
  readonly kind: string;
  readonly size_bytes: number;
  readonly chars: number;
  readonly pages: number | null;
}

const COLUMNS = ['seq', 'id', 'conversation_id', 'name', 'kind', 'size_bytes', 'chars', 'pages'].map((name) => `attachments.${name}`).join(', ');
const OF_MESSAGES = 'attachments JOIN message_attachments ON attachment_seq = attachments.seq JOIN messages ON messages.seq = message_seq';
const DAY_MS = 86_400_000;

/** The texts of files that go with questions, and of those that still wait for one. */
export class AttachmentTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** One without a question; the oldest of these go when there are too many. */
  add({ name, kind, sizeBytes, pages, text }: NewAttachment, conversationId: string | null = null): Attachment {
    const id = randomUUID();
    this.#db.transaction(() => {
      this.#db.run('INSERT INTO attachments (id, conversation_id, name, kind, size_bytes, chars, pages, content, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', id, conversationId, name, kind, sizeBytes, text.length, pages ?? null, text, this.#clock.now());
      this.sweep();
    });
    return this.get(id);
  }

  /** What no question was sent with for a day, or more than may wait. */
  sweep(): void {
    this.#db.run('DELETE FROM attachments WHERE conversation_id IS NULL AND (created_at < ? OR seq NOT IN (SELECT seq FROM attachments WHERE conversation_id IS NULL ORDER BY seq DESC LIMIT ?))', this.#clock.now() - DAY_MS, CHATS_LIMITS.waitingAttachments);
  }

  get(id: string): Attachment {
    return viewOf(this.#row(id));
  }

  text(id: string): string {
    return this.#db.one<{ content: string }>('attachment', 'SELECT content FROM attachments WHERE id = ?', id).content;
  }

  /** One that a question has is deleted with its conversation only. */
  discard(id: string): void {
    this.#db.run('DELETE FROM attachments WHERE id = ? AND conversation_id IS NULL', id);
  }

  /** Throws CHATS_NOT_FOUND for what is another conversation's, CHATS_FULL. */
  attach(conversationId: string, messageSeq: number, ids: readonly string[]): void {
    for (const [place, id] of [...new Set(ids)].entries()) {
      const row = this.#row(id);
      if (row.conversation_id !== null && row.conversation_id !== conversationId) throw chatsErrors.notFound({ what: 'attachment' });
      this.#db.run('UPDATE attachments SET conversation_id = ? WHERE seq = ?', conversationId, row.seq);
      this.#db.run('INSERT INTO message_attachments VALUES (?, ?, ?)', messageSeq, place, row.seq);
    }
    const { n = 0 } = this.#db.get<{ n: number }>('SELECT count(*) AS n FROM attachments WHERE conversation_id = ?', conversationId) ?? {};
    if (n > ATTACHMENT_LIMITS.perConversation) throw chatsErrors.full({ what: 'attachments in this conversation', limit: ATTACHMENT_LIMITS.perConversation });
  }

  of(messageSeq: number): Attachment[] {
    return this.#db.all<Row>(`SELECT ${COLUMNS} FROM ${OF_MESSAGES} WHERE messages.seq = ? ORDER BY place`, messageSeq).map(viewOf);
  }

  /** Of one conversation, oldest first, with what they say. */
  all(conversationId: string): FileText[] {
    return this.#db.all<Row & { content: string }>(`SELECT ${COLUMNS}, content FROM attachments WHERE conversation_id = ? ORDER BY seq`, conversationId).map((row) => ({ ...viewOf(row), text: row.content }));
  }

  /** Whether a question of the branch that is shown has any, above a depth. */
  isOnPath(conversationId: string, below: number): boolean {
    return this.#db.get(`SELECT 1 FROM ${OF_MESSAGES} WHERE messages.conversation_id = ? AND on_path = 1 AND depth < ? LIMIT 1`, conversationId, below) !== undefined;
  }

  #row(id: string): Row {
    return this.#db.one<Row>('attachment', `SELECT ${COLUMNS} FROM attachments WHERE id = ?`, id);
  }
}

const viewOf = (row: Row): Attachment => attachmentSchema.parse({ id: row.id, name: row.name, kind: row.kind, sizeBytes: row.size_bytes, chars: row.chars, ...(row.pages === null ? {} : { pages: row.pages }) });
