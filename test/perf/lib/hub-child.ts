import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { get } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Catalog, downloadFile, type DownloadOptions } from '../../../src-main/store/index.ts';

/** A process that gets one file, by our download or by plain node:http, and says how long it took. Options as JSON in the last argument. */
const { plain, catalogPath, ...options } = JSON.parse(process.argv.at(-1) ?? '') as Omit<DownloadOptions, 'leases'> & { readonly catalogPath: string; readonly plain?: string };

const started = performance.now();
const resumedBytes = plain === undefined ? await ours() : await plainly(plain, options.target);
process.send?.({ elapsedMs: performance.now() - started, resumedBytes }, () => process.exit());

async function ours(): Promise<number> {
  const { leases } = new Catalog(catalogPath);
  return (await downloadFile({ ...options, leases, onProgress: (progress) => process.send?.({ progress }) })).resumedBytes;
}

async function plainly(url: string, target: string): Promise<number> {
  await new Promise<void>((resolve, reject) => get(url, (response) => { pipeline(response, createWriteStream(target)).then(resolve, reject); }).on('error', reject));
  const file = await open(target, 'r+');
  await file.sync();
  await file.close();
  return 0;
}
