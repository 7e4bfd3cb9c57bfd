import { stat } from 'node:fs/promises';
import { SerialQueue, writeAtomically } from '../base/index.ts';
import { checkConfig, configPath, readConfigFile, type ConfigSource } from './config.ts';

const READABLE = 0o644;

/** Changes of each file that are under way. */
const queues = new Map<string, SerialQueue>();

/**
 * Changes the file of the configuration, whole or not at all; what it says besides stays. Changes of this process come one after the other, each to what the
 * one before left. Throws HOST_BAD_CONFIG when the change would make it wrong.
 */
export function updateConfigFile(home: string, change: (source: ConfigSource) => ConfigSource): Promise<void> {
  const path = configPath(home);
  const queue = queues.get(path) ?? new SerialQueue();
  queues.set(path, queue);
  return queue.add(() => update(path, home, change));
}

async function update(path: string, home: string, change: (source: ConfigSource) => ConfigSource): Promise<void> {
  const next = change(await readConfigFile(path));
  checkConfig(path, { ...next, home });
  const mode = await stat(path).then((found) => found.mode & 0o777, () => READABLE);
  await writeAtomically(path, async (file) => void (await file.writeFile(`${JSON.stringify(next, undefined, 2)}\n`)), mode);
}
