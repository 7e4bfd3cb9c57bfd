import { CONVERSATION_LIMITS, type Hit } from '../../src-preload/bridge/index.ts';
import type { Database } from './database.ts';

/** Marks around what was found, which no text may hold by itself: it loses them. */
const [BEGIN, END] = ['\u0002', '\u0003'];
const SNIPPET_TOKENS = 14;
const MAX_WORDS = 12;
const MAX_FILES = 10;

/** Every word must occur; the last one may be the beginning of a word. What FTS5 would take for syntax is quoted. */
function matchOf(text: string): string | undefined {
  const words = (text.normalize('NFC').match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, MAX_WORDS);
  return words.length === 0 ? undefined : `${words.map((word) => `"${word}"`).join(' ')}*`;
}

/** Titles first, then messages and then files by how well they match (BM25). */
export function search(db: Database, text: string): Hit[] {
  const titles = db.all<{ id: string; title: string }>("SELECT id, title FROM conversations WHERE title LIKE ? ESCAPE '\\' ORDER BY updated_at DESC LIMIT 10", `%${text.replace(/[\\%_]/g, '\\$&')}%`);
  const match = matchOf(text);
  const messages = match === undefined ? [] : db.all<{ conversation_id: string; id: string; title: string; snippet: string }>(
    `SELECT messages.conversation_id, messages.id, conversations.title, snippet(found, 0, '${BEGIN}', '${END}', '…', ${SNIPPET_TOKENS}) AS snippet
     FROM found JOIN messages ON messages.seq = found.rowid JOIN conversations ON conversations.id = messages.conversation_id
     WHERE found MATCH ? ORDER BY bm25(found), messages.seq DESC LIMIT ?`, match, CONVERSATION_LIMITS.hits - titles.length - MAX_FILES);
  const files = match === undefined ? [] : db.all<{ conversation_id: string; id: string; title: string; name: string; snippet: string }>(
    `SELECT attachments.conversation_id, attachments.name, conversations.title, snippet(found_attachments, 0, '${BEGIN}', '${END}', '…', ${SNIPPET_TOKENS}) AS snippet,
       (SELECT messages.id FROM message_attachments JOIN messages ON messages.seq = message_seq WHERE attachment_seq = attachments.seq ORDER BY on_path DESC, messages.seq DESC LIMIT 1) AS id
     FROM found_attachments JOIN attachments ON attachments.seq = found_attachments.rowid JOIN conversations ON conversations.id = attachments.conversation_id
     WHERE found_attachments MATCH ? ORDER BY bm25(found_attachments), attachments.seq DESC LIMIT ?`, match, MAX_FILES);
  return [
    // A title that is the first question is found once, with what was found around it.
    ...titles.filter(({ id }) => [...messages, ...files].every((one) => one.conversation_id !== id)).map(({ id, title }): Hit => ({ conversationId: id, title, snippet: [] })),
    ...messages.map(({ conversation_id, id, title, snippet }): Hit => ({ conversationId: conversation_id, messageId: id, title, snippet: partsOf(snippet) })),
    ...files.map(({ conversation_id, id, title, name, snippet }): Hit => ({ conversationId: conversation_id, messageId: id, title, attachment: name, snippet: partsOf(snippet) })),
  ];
}

function partsOf(snippet: string): Hit['snippet'] {
  return snippet.split(BEGIN).flatMap((piece, index) => {
    const [hit = '', ...rest] = piece.split(END);
    const parts = index === 0 || rest.length === 0 ? [{ text: [hit, ...rest].join(''), isHit: false }] : [{ text: hit, isHit: true }, { text: rest.join(''), isHit: false }];
    return parts.filter(({ text }) => text !== '').map((part) => ({ ...part, text: part.text.slice(0, 4_000) }));
  }).slice(0, 100);
}
