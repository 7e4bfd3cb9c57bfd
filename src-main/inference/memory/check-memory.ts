import { readFile, stat } from 'node:fs/promises';
import { freemem } from 'node:os';
import { engineErrors } from '../errors.ts';
import type { StageLoadOptions } from '../engine/types.ts';

/** Graph and scratch buffers beside the weights, as seen on models up to 8 B: generous, because the alternative is the OOM killer. */
const SCRATCH_BYTES = 128 * 1024 * 1024;

/** Throws ENGINE_NO_MEMORY when the weights of a stage and its scratch space exceed what is free now. */
export async function checkMemory({ path }: Pick<StageLoadOptions, 'path'>, freeBytes?: number): Promise<void> {
  const weights = await stat(path).catch((error: Error) => { throw engineErrors.loadFailed({ detail: error.message }, error); });
  const free = freeBytes ?? (await availableBytes());
  const needed = weights.size + SCRATCH_BYTES;
  if (needed > free) throw engineErrors.noMemory({ neededBytes: needed, freeBytes: free });
}

/** On Linux what the kernel says it can free up, page cache included; elsewhere what is free. */
export async function availableBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(text);
  return match === null ? freemem() : Number(match[1]) * 1024;
}
