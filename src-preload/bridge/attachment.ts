import { z } from 'zod';
import { id, smallCount as count } from './primitives.ts';

export const ATTACHMENT_LIMITS = {
  /** To one question. */
  perQuestion: 8,
  /** To all questions of one conversation. */
  perConversation: 1_000,
  maxNameChars: 200, maxBytes: 16_000_000, maxChars: 400_000,
  /** Of a file on its way, and of the same as base64 in a command: one frame of the bridge with room to spare. */
  partBytes: 480_000, partChars: 640_000,
  /** Of a text on its way back: control characters take six bytes each. */
  textChars: 120_000,
} as const;

export const attachmentIdSchema = id;
/** One line without control characters: it is shown, and told to the model. */
export const attachmentNameSchema = z.string().trim().min(1).max(ATTACHMENT_LIMITS.maxNameChars).regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, { error: 'has control characters' });
export const attachmentKindSchema = z.enum(['text', 'markdown', 'code', 'table', 'json', 'pdf']);

/** A file whose text goes with a question. */
export const attachmentSchema = z.object({
  id: attachmentIdSchema,
  name: z.string().max(ATTACHMENT_LIMITS.maxNameChars),
  kind: attachmentKindSchema,
  /** Of the file as it was given. */
  sizeBytes: count,
  /** Of its text. */
  chars: count,
  pages: count.exactOptional(),
});
export type Attachment = z.infer<typeof attachmentSchema>;

/** What of a long text an answer was given. */
export const readingSchema = z.object({ name: z.string().max(ATTACHMENT_LIMITS.maxNameChars), passages: count, of: count });
export type Reading = z.infer<typeof readingSchema>;

/** `tokens` is absent while no model is there that could count. `roomTokens`: what question, files and instructions may take together. */
export const attachmentCostSchema = z.object({ tokens: count.exactOptional(), roomTokens: count, choosesPassages: z.boolean() });
export type AttachmentCost = z.infer<typeof attachmentCostSchema>;
