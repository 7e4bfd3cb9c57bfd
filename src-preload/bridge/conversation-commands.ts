import { z } from 'zod';
import { ATTACHMENT_LIMITS, attachmentIdSchema } from './attachment.ts';
import { command, nothing } from './command.ts';
import { conversationChangeSchema, conversationListSchema, CONVERSATION_LIMITS, conversationPageSchema, conversationSchema, exportedSchema, exportFormatSchema, hitSchema, presetSchema, questionSchema, ratingSchema } from './conversation.ts';
import { conversationIdSchema } from './dto.ts';
import { id as messageId, offset } from './primitives.ts';

const id = conversationIdSchema;
const of = z.strictObject({ id });
const ofMessage = z.strictObject({ id, messageId });
const answer = z.object({ answerId: messageId });

const STORE = ['CHATS_NOT_FOUND', 'CHATS_UNUSABLE', 'CHATS_DAMAGED'] as const;
const ANSWER = [...STORE, 'CHATS_ANSWERING', 'CHATS_BUSY', 'CHATS_FULL', 'CHATS_NOT_POSSIBLE', 'CHATS_TOO_LONG'] as const;

/** Conversations that the host keeps. Answers are told as chat.* events whose request id is the answer's message id. */
export const conversationCommands = {
  'conversations.list': command(z.strictObject({ offset: offset.default(0), limit: z.number().int().min(1).max(CONVERSATION_LIMITS.listed).default(CONVERSATION_LIMITS.listed) }), conversationListSchema, STORE),
  'conversations.search': command(z.strictObject({ text: z.string().trim().min(1).max(200) }), z.object({ hits: z.array(hitSchema).max(CONVERSATION_LIMITS.hits).readonly() }), STORE),
  'conversations.create': command(nothing, conversationSchema, ['CHATS_FULL', ...STORE]),
  /** Without an offset: the last page. */
  'conversations.open': command(z.strictObject({ id, offset: offset.exactOptional(), limit: z.number().int().min(1).max(CONVERSATION_LIMITS.pageMessages).default(CONVERSATION_LIMITS.pageMessages) }), conversationPageSchema, STORE),
  'conversations.update': command(z.strictObject({ id, change: conversationChangeSchema }), conversationSchema, STORE),
  'conversations.delete': command(of, nothing, STORE),
  /** Asks at the end of the branch that is shown; with `edits`, in the place of that question, whose attachments it keeps where none are named. */
  'conversations.send': command(z.strictObject({ id, text: questionSchema, edits: messageId.exactOptional(), attachments: z.array(attachmentIdSchema).max(ATTACHMENT_LIMITS.perQuestion).readonly().exactOptional() }), answer, ANSWER),
  /** Another answer to the same question. */
  'conversations.regenerate': command(ofMessage, answer, ANSWER),
  /** Goes on with an answer that was cut or interrupted. */
  'conversations.continue': command(ofMessage, answer, ANSWER),
  'conversations.stop': command(of, z.object({ isStopped: z.boolean() })),
  /** Shows the branch with this message; `index` is its place there. */
  'conversations.choose': command(ofMessage, z.object({ index: z.number().int().min(0) }), STORE),
  /** What its owner thinks of an answer that was paid for; null: nothing any more. It counts for the reward of the nodes that computed it until the score of its session is sent. */
  'conversations.rate': command(
    z.strictObject({ id, messageId, rating: ratingSchema.nullable() }), nothing,
    [...STORE, 'CHATS_NOT_POSSIBLE', 'PAY_NOT_CONNECTED', 'PAY_NOT_BOOKED', 'PAY_SCORED', 'CHAIN_DOWN', 'CHAIN_WRONG_NETWORK'],
  ),
  'conversations.export': command(z.strictObject({ id, format: exportFormatSchema }), exportedSchema, STORE),
  /** What was exported, in either format. */
  'conversations.import': command(z.strictObject({ text: z.string().min(1).max(CONVERSATION_LIMITS.importChars) }), conversationSchema, ['CHATS_BAD_FILE', 'CHATS_FULL', ...STORE]),
  /** The next part of a file that is too long for one call; the first one, without an id, begins it. */
  'conversations.importPart': command(
    z.strictObject({ uploadId: messageId.exactOptional(), part: z.base64().max(CONVERSATION_LIMITS.partChars) }), z.object({ uploadId: messageId, sizeBytes: z.number().int().min(0) }),
    ['CHATS_FILE_TOO_LARGE', 'CHATS_IMPORT_BUSY', 'CHATS_IMPORT_GONE'],
  ),
  /** Of the parts that came. */
  'conversations.importParts': command(z.strictObject({ uploadId: messageId }), conversationSchema, ['CHATS_BAD_FILE', 'CHATS_FULL', 'CHATS_IMPORT_GONE', ...STORE]),
  'presets.list': command(nothing, z.object({ presets: z.array(presetSchema).max(100).readonly() }), STORE),
  /** Replaces the one of that name. */
  'presets.save': command(presetSchema, nothing, ['CHATS_FULL', ...STORE]),
  'presets.delete': command(z.strictObject({ name: z.string().min(1).max(60) }), nothing, STORE),
} as const;
