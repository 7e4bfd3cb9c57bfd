import { z } from 'zod';
import { MAX_NAME_CHARS, MAX_PROTOCOLS } from './constants.ts';

// Printable ASCII only: these texts are shown in terminals and logs.
const name = z.string().min(1).max(MAX_NAME_CHARS).regex(/^[\x20-\x7e]+$/);

/** What a node says of itself. Unknown fields are let pass: a newer minor version may say more. */
export const introductionSchema = z.object({
  agent: name,
  version: name,
  protocols: z.array(name.startsWith('/')).max(MAX_PROTOCOLS),
});
export type Introduction = z.infer<typeof introductionSchema>;

export const encodeIntroduction = (introduction: Introduction): Uint8Array => Buffer.from(JSON.stringify(introduction), 'utf8');

/** Undefined for anything that is not an introduction. */
export function decodeIntroduction(frame: Uint8Array): Introduction | undefined {
  const parsed = introductionSchema.safeParse(parseJson(Buffer.from(frame).toString('utf8')));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
