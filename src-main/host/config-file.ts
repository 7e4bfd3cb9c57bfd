import { stat } from 'node:fs/promises';
import { writeAtomically } from '../base/index.ts';
import { checkConfig, configPath, readConfigFile, type ConfigSource } from './config.ts';

const READABLE = 0o644;
/** One after the other, whoever asks: each begins with what the one before left. */
const turns = new Map<string, Promise<unknown>>();

/** Changes the file of the configuration, whole or not at all; what it says besides stays. Throws HOST_BAD_CONFIG when the change would make it wrong. */
export function updateConfigFile(home: string, change: (source: ConfigSource) => ConfigSource): Promise<void> {
  const done = (turns.get(home) ?? Promise.resolve()).catch(() => undefined).then(() => update(home, change));
  turns.set(home, done);
  return done.finally(() => { if (turns.get(home) === done) turns.delete(home); });
}

async function update(home: string, change: (source: ConfigSource) => ConfigSource): Promise<void> {
  const path = configPath(home);
  const next = change(await readConfigFile(path));
  checkConfig(path, { ...next, home });
  const mode = await stat(path).then((found) => found.mode & 0o777, () => READABLE);
  await writeAtomically(path, async (file) => void (await file.writeFile(`${JSON.stringify(next, undefined, 2)}\n`)), mode);
}
