import { z } from 'zod';
import { chatFinishSchema, chatOptionsSchema, systemSchema, titleSchema } from '../../src-preload/bridge/index.ts';
import { firstIssue } from '../base/index.ts';
import { chatsErrors } from './errors.ts';
import { CHATS_LIMITS } from './options.ts';

const messageSchema = z.strictObject({
  /** Place of its parent in the list; null for a beginning. A parent comes before its children. */
  parent: z.number().int().min(0).nullable(),
  role: z.enum(['user', 'assistant']),
  content: z.string().max(1_000_000),
  createdAt: z.number().min(0).max(8.64e15),
  isChosen: z.boolean(),
  finish: chatFinishSchema.exactOptional(),
});

const fileSchema = z.strictObject({
  format: z.literal('omninode-conversation'),
  version: z.literal(1),
  title: titleSchema,
  system: systemSchema,
  options: chatOptionsSchema,
  messages: z.array(messageSchema).max(CHATS_LIMITS.messages),
}).refine(({ messages }) => messages.every(({ parent, role }, index) => (parent === null ? role === 'user' : parent < index && messages[parent]?.role !== role)), { error: 'its messages are no tree of questions and answers' });

/** A conversation with all its branches. */
export type Transfer = z.infer<typeof fileSchema>;
export type TransferMessage = z.infer<typeof messageSchema>;

export const writeJson = (file: Omit<Transfer, 'format' | 'version'>): string => `${JSON.stringify({ format: 'omninode-conversation', version: 1, ...file }, null, 1)}\n`;

const HEADING = { system: '## System', user: '## You', assistant: '## Assistant' } as const;

/** The branch that is shown, for people; reading it again gives the same texts. A line that looks like one of its headings gets a backslash. */
export function writeMarkdown({ title, system, messages }: { readonly title: string; readonly system: string; readonly messages: ReadonlyArray<Pick<TransferMessage, 'role' | 'content'>> }): string {
  const parts = [`# ${title}`, ...(system === '' ? [] : [HEADING.system, escaped(system)]), ...messages.flatMap(({ role, content }) => [HEADING[role], escaped(content)])];
  return `${parts.join('\n\n')}\n`;
}

const escaped = (text: string): string => text.replace(/^(\\*)(## (?:System|You|Assistant))$/gm, '\\$1$2');
const unescaped = (text: string): string => text.replace(/^\\(\\*## (?:System|You|Assistant))$/gm, '$1');

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
  const [head = '', ...sections] = text.replaceAll('\r\n', '\n').split(/^## (?=(?:System|You|Assistant)$)/m);
  const title = /^# (.+)$/m.exec(head)?.[1]?.trim().slice(0, 200);
  if (title === undefined || sections.length === 0) throw chatsErrors.badFile({ reason: 'it has no title or no messages' });
  let system = '';
  const messages: TransferMessage[] = [];
  for (const section of sections) {
    const end = section.indexOf('\n');
    const [kind, body] = [end < 0 ? section : section.slice(0, end), unescaped(end < 0 ? '' : section.slice(end + 1)).replace(/^\n/, '').replace(/\n{1,2}$/, '')];
    if (kind === 'System') system = body;
    else messages.push({ parent: messages.length === 0 ? null : messages.length - 1, role: kind === 'You' ? 'user' : 'assistant', content: body, createdAt: now, isChosen: true });
  }
  return { format: 'omninode-conversation', version: 1, title, system, options: {}, messages };
}

/** A name that every system takes. */
export const fileNameOf = (title: string, ending: string): string => `${title.replaceAll(/[^\p{L}\p{N} _-]+/gu, '').trim().slice(0, 60) || 'conversation'}.${ending}`;

