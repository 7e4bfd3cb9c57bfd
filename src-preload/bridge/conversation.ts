import { z } from 'zod';
import { ATTACHMENT_LIMITS, attachmentSchema } from './attachment.ts';
import { CHAT_LIMITS, chatFinishSchema, chatOptionsSchema, conversationIdSchema } from './dto.ts';
import { wireErrorSchema } from './errors.ts';
import { id as messageId, smallCount as count, time } from './primitives.ts';

export const CONVERSATION_LIMITS = { maxTitleChars: 200, maxFolderChars: 60, maxSystemChars: 16_000, pageMessages: 60, pageChars: 500_000, listed: 100, hits: 50, importChars: 700_000, importBytes: 64_000_000, partBytes: 480_000, partChars: 640_000 } as const;

export const titleSchema = z.string().trim().min(1).max(CONVERSATION_LIMITS.maxTitleChars);
export const folderSchema = z.string().trim().min(1).max(CONVERSATION_LIMITS.maxFolderChars);
export const systemSchema = z.string().max(CONVERSATION_LIMITS.maxSystemChars);
export const questionSchema = z.string().trim().min(1).max(CHAT_LIMITS.maxMessageChars);

/** One line of the list. */
export const conversationSchema = z.object({
  id: conversationIdSchema,
  title: z.string().max(CONVERSATION_LIMITS.maxTitleChars),
  folder: folderSchema.exactOptional(),
  isPinned: z.boolean(),
  isAnswering: z.boolean(),
  createdAt: time,
  updatedAt: time,
});
export type ConversationEntry = z.infer<typeof conversationSchema>;

export const ratingSchema = z.enum(['good', 'bad']);
export type Rating = z.infer<typeof ratingSchema>;

export const messageSchema = z.object({
  id: messageId,
  role: z.enum(['user', 'assistant']),
  content: z.string().max(1_000_000),
  /** `interrupted`: the node ended while it wrote this. */
  state: z.enum(['done', 'writing', 'interrupted', 'failed']),
  createdAt: time,
  /** Place in the branch that is shown. */
  index: count,
  /** Ids of all messages that were written in this place, this one too, oldest first. */
  variants: z.array(messageId).max(1_000).readonly(),
  finish: chatFinishSchema.exactOptional(),
  error: wireErrorSchema.exactOptional(),
  /** What its owner thinks of an answer that was paid for; null: nothing yet. Absent where nothing was paid. */
  rating: ratingSchema.nullable().exactOptional(),
  /** Of a question; absent where it has none. */
  attachments: z.array(attachmentSchema).max(ATTACHMENT_LIMITS.perQuestion).readonly().exactOptional(),
});
export type Message = z.infer<typeof messageSchema>;

/** Messages of the branch that is shown, from `offset`, of `total`. */
export const conversationPageSchema = z.object({
  conversation: conversationSchema,
  system: systemSchema,
  options: chatOptionsSchema,
  draft: z.string().max(CHAT_LIMITS.maxMessageChars),
  total: count,
  offset: count,
  messages: z.array(messageSchema).max(CONVERSATION_LIMITS.pageMessages).readonly(),
});
export type ConversationPage = z.infer<typeof conversationPageSchema>;

export const conversationListSchema = z.object({
  /** Pinned ones first, then the newest. */
  conversations: z.array(conversationSchema).max(CONVERSATION_LIMITS.listed).readonly(),
  total: count,
  folders: z.array(folderSchema).max(1_000).readonly(),
});
export type ConversationList = z.infer<typeof conversationListSchema>;

export const hitSchema = z.object({
  conversationId: conversationIdSchema,
  title: z.string().max(CONVERSATION_LIMITS.maxTitleChars),
  /** Absent where the title is what was found. */
  messageId: messageId.exactOptional(),
  /** The name of its attachment that this was found in. */
  attachment: z.string().max(ATTACHMENT_LIMITS.maxNameChars).exactOptional(),
  snippet: z.array(z.object({ text: z.string().max(4_000), isHit: z.boolean() })).max(100).readonly(),
});
export type Hit = z.infer<typeof hitSchema>;

export const presetSchema = z.strictObject({ name: z.string().trim().min(1).max(60), system: systemSchema, options: chatOptionsSchema });
export type Preset = z.infer<typeof presetSchema>;

export const conversationChangeSchema = z.strictObject({
  title: titleSchema.exactOptional(),
  /** Null takes it out of its folder. */
  folder: folderSchema.nullable().exactOptional(),
  isPinned: z.boolean().exactOptional(),
  system: systemSchema.exactOptional(),
  options: chatOptionsSchema.exactOptional(),
  draft: z.string().max(CHAT_LIMITS.maxMessageChars).exactOptional(),
});
export type ConversationChange = z.infer<typeof conversationChangeSchema>;

export const exportFormatSchema = z.enum(['json', 'markdown']);
export type ExportFormat = z.infer<typeof exportFormatSchema>;
export const exportedSchema = z.object({ fileName: z.string().max(300), text: z.string() });

export const conversationsChangedSchema = z.object({ revision: count, conversationId: conversationIdSchema });
