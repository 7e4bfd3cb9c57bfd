import { z } from 'zod';

/** What the host and an embedding process say, in the envelopes of `protocol/messages.ts`. */

const count = z.number().int().min(1);

export const loadSchema = z.strictObject({
  runtimeFolder: z.string().min(1), modelFolder: z.string().min(1), weights: z.enum(['fp32', 'q8']), pooling: z.enum(['mean', 'cls']), threads: count.max(512),
});
export type LoadEmbedder = z.infer<typeof loadSchema>;

export const embedSchema = z.strictObject({ text: z.string().min(1), truncate: z.boolean() });

export const embedderInfoSchema = z.strictObject({ dimensions: count, maxTokens: count });
export type EmbedderInfo = z.infer<typeof embedderInfoSchema>;

export const embeddedSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('vector'), vector: z.custom<Float32Array>((value) => value instanceof Float32Array), tokens: count }),
  z.strictObject({ kind: z.literal('too-long'), tokens: count }),
]);
export type Embedded = z.infer<typeof embeddedSchema>;

export interface EmbeddingOperations {
  load: { in: LoadEmbedder; out: EmbedderInfo };
  embed: { in: z.infer<typeof embedSchema>; out: Embedded };
}
export type EmbeddingOperation = keyof EmbeddingOperations;

export const resultSchemas = { load: embedderInfoSchema, embed: embeddedSchema } satisfies { readonly [K in EmbeddingOperation]: z.ZodType<EmbeddingOperations[K]['out']> };
