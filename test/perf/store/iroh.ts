import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import type { SaidProcess } from '../../support/said-process.ts';
import { IROH, IROH_OPTIONS, loadIroh, type IrohModule, type NodeAddress } from './iroh-module.ts';
import type { Absent, Rival, RivalFile } from './rival.ts';

const INSTALL_TIMEOUT_MS = 120_000;

/** Installs the binding into a folder that goes with the benchmark: it is no dependency of the project. */
export async function installIroh(folder: string): Promise<Absent | undefined> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    await promisify(execFile)('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', IROH], { timeout: INSTALL_TIMEOUT_MS });
    await loadIroh(folder);
    return undefined;
  } catch (error) {
    return { reason: `${IROH} cannot be installed or loaded here: ${firstLine(error)}` };
  }
}

const firstLine = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';

export async function irohRival(file: RivalFile, { folder, sender }: { readonly folder: string; readonly sender: SaidProcess }): Promise<Rival> {
  const { hash, ...from } = await sender.says('ready') as unknown as NodeAddress & { readonly hash: string };
  const iroh = await loadIroh(folder);
  return {
    what: `${IROH} (QUIC, memory store)`,
    receiver: async () => {
      const node = await iroh.Iroh.memory(IROH_OPTIONS);
      return {
        fetch: () => download(iroh, node, { hash, from }),
        check: async () => {
          const path = join(folder, 'got.bin');
          await node.blobs.writeToPath(hash, path);
          const hasher = new Blake3Hasher();
          for await (const bytes of createReadStream(path)) hasher.update(bytes as Buffer);
          if (hasher.digest('hex') !== file.hash) throw new TypeError('iroh brought other bytes');
        },
        close: () => node.node.shutdown(),
      };
    },
  };
}

async function download(iroh: IrohModule, node: Awaited<ReturnType<IrohModule['Iroh']['memory']>>, { hash, from: { nodeId, addresses } }: { readonly hash: string; readonly from: NodeAddress }): Promise<void> {
  const done = Promise.withResolvers<void>();
  const options = new iroh.BlobDownloadOptions('Raw', [{ nodeId, addresses: addresses ?? [] }], iroh.SetTagOption.auto());
  const downloading = node.blobs.download(hash, options, (error, { allDone, abort } = {}) => {
    if (error !== null) done.reject(error);
    else if (abort !== undefined) done.reject(new TypeError(abort.error));
    else if (allDone !== undefined) done.resolve();
  });
  await Promise.all([downloading, done.promise]);
}
