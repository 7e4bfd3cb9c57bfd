import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { hubErrors } from './errors.ts';
import { isPlainPath } from './reference.ts';

const name = z.string().min(1).max(128);
const modelSchema = z.strictObject({
  name,
  repo: z.string().regex(/^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/),
  file: z.string().endsWith('.gguf').refine(isPlainPath),
  sizeBytes: z.number().int().positive(),
  architecture: name,
  /** The hub's tag for it; absent where nobody looked. */
  license: name.optional(),
  contextTokens: z.number().int().positive().optional(),
});
const listSchema = z.strictObject({
  version: z.literal(1),
  /** Day on which the facts were compared, ISO 8601. */
  asOf: z.iso.date(),
  note: z.string().max(1_000),
  models: z.array(modelSchema).min(1).max(1_000),
});

export type CuratedModel = z.infer<typeof modelSchema>;
export type CuratedList = z.infer<typeof listSchema>;

/** The list of known models that comes with the app. Throws HUB_BAD_LIST. */
export async function readCurated(path: string): Promise<CuratedList> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => { throw hubErrors.badList({ path, problem: 'it cannot be read' }, error); });
  const parsed = listSchema.safeParse(jsonOf(text));
  const issue = parsed.error?.issues[0];
  if (parsed.data === undefined) throw hubErrors.badList({ path, problem: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` });
  return parsed.data;
}

/** Models that have every word in their name, repository, file or architecture. */
export function searchCurated(list: CuratedList, words: string): CuratedModel[] {
  const wanted = words.toLowerCase().split(/\s+/);
  return list.models.filter((model) => {
    const text = `${model.name} ${model.repo} ${model.file} ${model.architecture}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
