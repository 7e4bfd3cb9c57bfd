import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../base/index.ts';

const MAX_FILE_CHARS = 4096;

/** How a command of the same user finds a running host: readable by that user alone, gone when the host ends. */
const controlFileSchema = z.strictObject({
  pid: z.number().int().min(1),
  port: z.number().int().min(1).max(65_535),
  /** New at every start; opens the control server and nothing else. A secret. */
  key: z.string().min(32).max(128),
});
export type ControlFile = z.infer<typeof controlFileSchema>;

const pathIn = (home: string): string => join(home, 'control.json');

export async function writeControlFile(home: string, content: ControlFile): Promise<void> {
  await writeAtomically(pathIn(home), async (file) => void (await file.writeFile(JSON.stringify(content))), 0o600);
}

/** Undefined when there is none, or none that can be read. */
export async function readControlFile(home: string): Promise<ControlFile | undefined> {
  const text = await readFile(pathIn(home), 'utf8').catch(() => '');
  if (text.length > MAX_FILE_CHARS) return undefined;
  try {
    return controlFileSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Leaves the file of a host that was started later. */
export async function removeControlFile(home: string, key: string): Promise<void> {
  if ((await readControlFile(home))?.key === key) await rm(pathIn(home), { force: true });
}
