import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { SaidProcess } from '../../support/said-process.ts';
import { bitswapRival } from './bitswap.ts';
import { installIroh, irohRival } from './iroh.ts';
import type { Absent, Rival, RivalFile } from './rival.ts';

export const RIVAL_WAYS = ['bitswap', 'iroh'] as const;
export type RivalWay = (typeof RIVAL_WAYS)[number];

/** Who there is to compare with here, each sending the file from a process of its own. */
export async function startRivals(file: RivalFile, { folder, start }: { readonly folder: string; readonly start: (script: string, setup: object) => SaidProcess }): Promise<Record<RivalWay, Rival | Absent>> {
  const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const irohFolder = join(folder, 'iroh');
  const absent = await installIroh(irohFolder);
  return {
    bitswap: await bitswapRival(file, start(script('helia-sender.ts'), { path: file.path })),
    iroh: absent ?? await irohRival(file, { folder: irohFolder, sender: start(script('iroh-sender.ts'), { path: file.path, folder: irohFolder }) }),
  };
}

/** For the report: what was compared with, or why not. */
export const describe = (rival: Rival | Absent): string | { readonly absent: string } => ('what' in rival ? rival.what : { absent: rival.reason });

/** One transfer to a fresh receiver, which `timed` measures; the bytes are compared afterwards. */
export async function runRival<T>(rival: Rival, timed: (fetch: () => Promise<void>) => Promise<T>): Promise<T> {
  const receiver = await rival.receiver();
  try {
    const result = await timed(() => receiver.fetch());
    await receiver.check();
    return result;
  } finally {
    await receiver.close();
  }
}
