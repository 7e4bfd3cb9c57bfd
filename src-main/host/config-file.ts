import { stat } from 'node:fs/promises';
import { writeAtomically } from '../base/index.ts';
import { checkConfig, configPath, readConfigFile, type ConfigSource } from './config.ts';

const READABLE = 0o644;

/** The last change of each file that is under way. */
const changing = new Map<string, Promise<void>>();

/**
 * Changes the file of the configuration, whole or not at all; what it says besides stays. Changes of this process come one after the other, each to what the
 * one before left. Throws HOST_BAD_CONFIG when the change would make it wrong.
 */
export async function updateConfigFile(home: string, change: (source: ConfigSource) => ConfigSource): Promise<void> {
  const path = configPath(home);
  const changed = (changing.get(path) ?? Promise.resolve()).catch(() => undefined).then(() => update(path, home, change));
  changing.set(path, changed);
  try {
    await changed;
  } finally {
    if (changing.get(path) === changed) changing.delete(path);
  }
}

async function update(path: string, home: string, change: (source: ConfigSource) => ConfigSource): Promise<void> {
  const next = change(await readConfigFile(path));
  checkConfig(path, { ...next, home });
  const mode = await stat(path).then((found) => found.mode & 0o777, () => READABLE);
  await writeAtomically(path, async (file) => void (await file.writeFile(`${JSON.stringify(next, undefined, 2)}\n`)), mode);
}
