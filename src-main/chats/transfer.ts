import { z } from 'zod';
import { ATTACHMENT_LIMITS, CONVERSATION_LIMITS, attachmentKindSchema, attachmentNameSchema, chatFinishSchema, chatOptionsSchema, systemSchema, titleSchema } from '../../src-preload/bridge/index.ts';
import { FileParts, firstIssue, type Clock } from '../base/index.ts';
import { chatsErrors } from './errors.ts';
import { CHATS_LIMITS } from './options.ts';

const fileTextSchema = z.strictObject({
  name: attachmentNameSchema,
  kind: attachmentKindSchema,
  sizeBytes: z.number().int().min(0).max(1e9),
  pages: z.number().int().min(0).max(1e6).exactOptional(),
  text: z.string().max(ATTACHMENT_LIMITS.maxChars),
});

const messageSchema = z.strictObject({
  /** Place of its parent in the list; null for a beginning. A parent comes before its children. */
  parent: z.number().int().min(0).nullable(),
  role: z.enum(['user', 'assistant']),
  content: z.string().max(1_000_000),
  createdAt: z.number().min(0).max(8.64e15),
  isChosen: z.boolean(),
  finish: chatFinishSchema.exactOptional(),
  /** Places of its files in the list of them. */
  attachments: z.array(z.number().int().min(0)).max(ATTACHMENT_LIMITS.perQuestion).exactOptional(),
});

const fileSchema = z.strictObject({
  format: z.literal('omninode-conversation'),
  version: z.literal(1),
  title: titleSchema,
  system: systemSchema,
  options: chatOptionsSchema,
  messages: z.array(messageSchema).max(CHATS_LIMITS.messages),
  /** Absent where there are none. */
  attachments: z.array(fileTextSchema).max(ATTACHMENT_LIMITS.perConversation).exactOptional(),
}).refine(({ messages, attachments: files = [] }) => messages.every(({ role, attachments = [] }) => attachments.every((place) => role === 'user' && place < files.length)), { error: 'a message has a file that is not there' }).refine(({ messages }) => messages.every(({ parent, role }, index) => (parent === null ? role === 'user' : parent < index && messages[parent]?.role !== role)), { error: 'its messages are no tree of questions and answers' });

/** A conversation with all its branches. */
export type Transfer = z.infer<typeof fileSchema>;
export type TransferFile = z.infer<typeof fileTextSchema>;
export type TransferMessage = z.infer<typeof messageSchema>;

export const writeJson = (file: Omit<Transfer, 'format' | 'version'>): string => `${JSON.stringify({ format: 'omninode-conversation', version: 1, ...file }, null, 1)}\n`;

const HEADING = { system: '## System', user: '## You', assistant: '## Assistant' } as const;

interface Shown extends Pick<TransferMessage, 'role' | 'content'> {
  readonly files?: ReadonlyArray<Pick<TransferFile, 'name' | 'text'>>;
}

/** The branch that is shown, for people; reading it again gives the same texts. A line that looks like one of its headings gets a backslash. Files come before the question that has them. */
export function writeMarkdown({ title, system, messages }: { readonly title: string; readonly system: string; readonly messages: readonly Shown[] }): string {
  const parts = [`# ${title}`, ...(system === '' ? [] : [HEADING.system, escaped(system)]), ...messages.flatMap(({ role, content, files = [] }) => [...files.flatMap(({ name, text }) => [`## Attached file: ${name}`, fenced(escaped(text))]), HEADING[role], escaped(content)])];
  return `${parts.join('\n\n')}\n`;
}

const escaped = (text: string): string => text.replace(/^(\\*)(## (?:System|You|Assistant|Attached file: .*))$/gm, '\\$1$2');
const unescaped = (text: string): string => text.replace(/^\\(\\*## (?:System|You|Assistant|Attached file: .*))$/gm, '$1');

const fenced = (text: string): string => {
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}\n${text}\n${fence}`;
};
const unfenced = (body: string): string => /^(`{3,})\n([^]*)\n\1$/.exec(body)?.[2] ?? body;

/** Reads what either writer wrote. Throws CHATS_BAD_FILE. */
export function readTransfer(text: string, now: number): Transfer {
  const parsed = fileSchema.safeParse(text.trimStart().startsWith('{') ? fromJson(text) : fromMarkdown(text, now));
  if (parsed.success) return parsed.data;
  throw chatsErrors.badFile({ reason: firstIssue(parsed.error).slice(0, 200) });
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw chatsErrors.badFile({ reason: 'it is not JSON' }, error);
  }
}

function fromMarkdown(text: string, now: number): unknown {
  const [head = '', ...sections] = text.replaceAll('\r\n', '\n').split(/^## (?=(?:System|You|Assistant|Attached file: .*)$)/m);
  const title = /^# (.+)$/m.exec(head)?.[1]?.trim().slice(0, 200);
  if (title === undefined || sections.length === 0) throw chatsErrors.badFile({ reason: 'it has no title or no messages' });
  const read: Read = { system: '', messages: [], files: [], waiting: [] };
  for (const section of sections) readSection(read, section, now);
  const { system, messages, files } = read;
  return { format: 'omninode-conversation', version: 1, title, system, options: {}, messages, ...(files.length === 0 ? {} : { attachments: files }) };
}

interface Read {
  system: string;
  readonly messages: TransferMessage[];
  readonly files: TransferFile[];
  /** Files that the next question has. */
  waiting: number[];
}

function readSection(read: Read, section: string, now: number): void {
  const { messages, files, waiting } = read;
  const [kind = '', rest = ''] = /^([^\n]*)\n?([^]*)$/.exec(section)?.slice(1) ?? [];
  const body = unescaped(rest).replace(/^\n/, '').replace(/\n{1,2}$/, '');
  if (kind === 'System') read.system = body;
  else if (kind === 'You' || kind === 'Assistant') {
    const attachments = kind === 'You' && waiting.length > 0 ? { attachments: waiting } : {};
    messages.push({ parent: messages.length === 0 ? null : messages.length - 1, role: kind === 'You' ? 'user' : 'assistant', content: body, createdAt: now, isChosen: true, ...attachments });
    read.waiting = [];
  } else {
    const text = unfenced(body);
    waiting.push(files.push({ name: kind.slice('Attached file: '.length), kind: 'text', sizeBytes: Buffer.byteLength(text), text }) - 1);
  }
}

/** Of conversations on their way in. Throws CHATS_FILE_TOO_LARGE, CHATS_IMPORT_BUSY, CHATS_IMPORT_GONE. */
export const importedParts = (clock: Clock): FileParts => new FileParts({
  clock, limitBytes: CONVERSATION_LIMITS.importBytes,
  errors: { tooLarge: (bytes, limitBytes) => chatsErrors.fileTooLarge({ bytes, limitBytes }), busy: (limit) => chatsErrors.importBusy({ limit }), gone: () => chatsErrors.importGone({}) },
});

/** Throws CHATS_BAD_FILE. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw chatsErrors.badFile({ reason: 'it is no text in UTF-8' }, error);
  }
}

/** A name that every system takes. */
export const fileNameOf = (title: string, ending: string): string => `${title.replaceAll(/[^\p{L}\p{N} _-]+/gu, '').trim().slice(0, 60) || 'conversation'}.${ending}`;

