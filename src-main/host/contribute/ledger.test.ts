import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asPeerId, asSessionId, silentLogger } from '../../base/index.ts';
import { Ledger } from './ledger.ts';

let folder: string;
const layers = { first: 3, last: 5 };
const session = asSessionId('s1');
const open = (now: number): Promise<Ledger> => Ledger.open({ path: join(folder, 'contribution.json'), logger: silentLogger, now: () => now });
const served = (runRows: number) => [{ session, coordinator: asPeerId('p'), modelHash: 'm', layers, openedAt: 1, rows: runRows, runRows }];

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-ledger-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));

it('counts a run once, while it goes on and when it is over, and keeps it', async () => {
  const ledger = await open(100);
  ledger.opened();
  ledger.look(served(7), 1000);
  expect(ledger.total).toEqual({ since: 100, tokens: 7, layerTokens: 21, sessions: 1, servedMs: 1000 });
  ledger.computed(session, 10, layers);
  ledger.look([], 500);
  expect(ledger.total).toEqual({ since: 100, tokens: 10, layerTokens: 30, sessions: 1, servedMs: 1500 });
  await ledger.pause(9_000);
  const again = await open(200);
  expect(again.total).toEqual(ledger.total);
  expect(again.sinceStart).toEqual({ since: 200, tokens: 0, layerTokens: 0, sessions: 0, servedMs: 0 });
  expect(again.pausedUntil).toBe(9_000);
});

it('keeps what was computed of a run that a crash ended', async () => {
  const ledger = await open(100);
  ledger.look(served(7), 0);
  await ledger.save();
  expect((await open(200)).total.tokens).toBe(7);
});

it('is begun anew where the file cannot be read', async () => {
  await writeFile(join(folder, 'contribution.json'), '{"version":1,"total":{"tokens":-1}}');
  const ledger = await open(300);
  expect(ledger.total).toEqual({ since: 300, tokens: 0, layerTokens: 0, sessions: 0, servedMs: 0 });
  await ledger.save();
  expect(JSON.parse(await readFile(join(folder, 'contribution.json'), 'utf8'))).toMatchObject({ total: { since: 300 } });
});
