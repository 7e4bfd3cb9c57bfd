import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { IndexFile } from './index-file.ts';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-index-')); });
afterEach(() => rm(folder, { recursive: true }));

it('reads everything once more where fewer kinds of events were read before', () => {
  const path = join(folder, 'events.db');
  const mark = { block: 7, hash: `0x${'1'.repeat(64)}` } as const;
  const file = new IndexFile(path);
  file.add([{ name: 'Enlisted', args: { nodeId: mark.hash }, block: 7, position: 0, atS: 5, tx: mark.hash }], mark);
  file.close();
  const again = new IndexFile(path);
  expect([again.mark(), again.events().length]).toEqual([mark, 1]);
  again.close();
  const older = new DatabaseSync(path);
  older.exec('PRAGMA user_version = 1');
  older.close();
  const anew = new IndexFile(path);
  expect([anew.mark(), anew.events()]).toEqual([undefined, []]);
  anew.close();
});
