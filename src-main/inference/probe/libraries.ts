import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { unpackedPath } from '../../base/index.ts';
import { engineErrors } from '../errors.ts';
import type { Device } from '../protocol/messages.ts';
import { WorkerClient, type WorkerOptions } from '../engine/worker-client.ts';

const PLATFORM: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'mac', win32: 'win' };

/** The folder of llama.cpp's shared libraries in node-llama-cpp's package for this platform. Throws ENGINE_NO_BACKEND. */
export function findLibraries(): string {
  const name = `${PLATFORM[process.platform] ?? process.platform}-${process.arch}${process.platform === 'darwin' && process.arch === 'arm64' ? '-metal' : ''}`;
  const main = dirname(createRequire(import.meta.url).resolve('node-llama-cpp'));
  for (let folder = main; folder !== dirname(folder); folder = dirname(folder)) {
    const libraries = unpackedPath(join(folder, '@node-llama-cpp', name, 'bins', name));
    if (existsSync(libraries)) return libraries;
  }
  throw engineErrors.noBackend({ detail: `no llama.cpp for ${name} is installed` });
}

/** Loads the addon in a process of its own and says what it can compute on; a crash is a coded error, not ours. */
export async function probeEngine(worker: WorkerOptions): Promise<readonly Device[]> {
  const client = new WorkerClient(worker);
  try {
    return await client.devices;
  } finally {
    await client.dispose();
  }
}
