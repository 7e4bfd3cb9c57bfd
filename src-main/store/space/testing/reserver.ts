import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isCoded } from '../../../base/index.ts';
import type { ComingFile } from '../../catalog/index.ts';
import { LocalStore } from '../local-store.ts';

export interface ReserverSetup {
  readonly folder: string;
  readonly modelFolder: string;
  readonly quotaBytes: number;
  readonly file: ComingFile;
  /** Written of it before it says that it has room. */
  readonly writtenBytes?: number;
}

/** Keeps room for a file when it is told to, says how that went, and lives on until it is killed. */
const { file, writtenBytes = 0, ...init } = JSON.parse(process.argv[2] ?? '') as ReserverSetup;
const store = new LocalStore(init);
process.send?.('ready');
process.once('message', () => void store.reserve([file]).then(() => {
  mkdirSync(dirname(file.path), { recursive: true });
  if (writtenBytes > 0) writeFileSync(`${file.path}.part`, Buffer.alloc(writtenBytes, 1));
  process.send?.('kept');
}, (error: unknown) => process.send?.(isCoded(error) ? error.code : String(error))));
process.on('message', () => undefined);
