import { z } from 'zod';
import { ATTACHMENT_LIMITS, attachmentCostSchema, attachmentIdSchema, attachmentNameSchema, attachmentSchema } from './attachment.ts';
import { command, nothing } from './command.ts';

const id = attachmentIdSchema;
const STORE = ['CHATS_NOT_FOUND', 'CHATS_UNUSABLE', 'CHATS_DAMAGED'] as const;
const READING = [
  'DOCUMENT_EMPTY', 'DOCUMENT_TOO_LARGE', 'DOCUMENT_TOO_LONG', 'DOCUMENT_NOT_TEXT', 'DOCUMENT_BAD_ENCODING', 'DOCUMENT_PDF_DAMAGED', 'DOCUMENT_PDF_ENCRYPTED',
  'DOCUMENT_PDF_NO_TEXT', 'DOCUMENT_PDF_TOO_MANY_PAGES', 'DOCUMENT_PDF_TOO_SLOW', 'DOCUMENT_PDF_TOO_HEAVY',
] as const;
const UPLOAD = ['HOST_UPLOAD_GONE', 'HOST_UPLOAD_BUSY'] as const;

/** Files whose text goes with a question: brought in parts, read by the host, kept by it. */
export const attachmentCommands = {
  /** The next part of a file; the first one, without an id, begins it. */
  'attachments.upload': command(
    z.strictObject({ uploadId: id.exactOptional(), part: z.base64().max(ATTACHMENT_LIMITS.partChars) }),
    z.object({ uploadId: id, sizeBytes: z.number().int().min(0) }), ['DOCUMENT_TOO_LARGE', ...UPLOAD],
  ),
  /** Reads what was brought. It is kept for a day until a question is sent with it. */
  'attachments.read': command(z.strictObject({ uploadId: id, name: attachmentNameSchema }), attachmentSchema, [...READING, ...UPLOAD, ...STORE]),
  /** How many tokens of the model that answers now it takes. */
  'attachments.cost': command(z.strictObject({ id }), attachmentCostSchema, STORE),
  /** A part of its text, which has `total` characters. */
  'attachments.text': command(
    z.strictObject({ id, offset: z.number().int().min(0).max(ATTACHMENT_LIMITS.maxChars).default(0) }),
    z.object({ text: z.string().max(ATTACHMENT_LIMITS.textChars), total: z.number().int().min(0) }), STORE,
  ),
  /** Forgets one that no question has, or an upload under way. */
  'attachments.discard': command(z.strictObject({ id }), nothing, STORE),
} as const;
