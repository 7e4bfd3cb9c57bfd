import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ANSWER } from '../../../test/support/scripted-pipeline.ts';
import { silentLogger } from '../../base/index.ts';
import { AnswerHistory, type AnswerRecord } from './history.ts';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-history-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));

const { id: _, ...RECORD } = ANSWER;
const record = (rest: Partial<AnswerRecord> = {}): AnswerRecord => ({ ...RECORD, ...rest });
const open = (logger: Pick<typeof silentLogger, 'warn'> = silentLogger) => new AnswerHistory(join(folder, 'history.db'), { logger });

it('keeps answers over a restart, the newest first, with all details of each', () => {
  const first = open();
  for (const tokens of [1, 2, 3]) first.add(record({ tokens }));
  first.close();
  const again = open();
  const { answers, total } = again.list({ offset: 1, limit: 5 });
  expect([total, answers.map(({ tokens }) => tokens)]).toEqual([3, [2, 1]]);
  expect(again.get(answers[0]!.id)).toEqual({ ...ANSWER, id: answers[0]!.id, tokens: 2 });
  expect(answers[0]).not.toHaveProperty('route');
  expect(again.get(99)).toBeUndefined();
  again.clear();
  expect(again.list({ offset: 0, limit: 5 })).toEqual({ answers: [], total: 0 });
  again.close();
});

it('keeps the last thousand', () => {
  const history = open();
  for (let tokens = 1; tokens <= 1_003; tokens += 1) history.add(record({ tokens, route: [], losses: [] }));
  expect(history.list({ offset: 999, limit: 10 })).toMatchObject({ total: 1_000, answers: [{ tokens: 4 }] });
  history.close();
});

it('finds the newest of one model', () => {
  const history = open();
  for (const [model, tokens] of [['a', 1], ['b', 2], ['a', 3], ['a', 4]] as const) history.add(record({ model, tokens }));
  expect(history.recent('a', 2).map(({ tokens }) => tokens)).toEqual([4, 3]);
  history.close();
});

it('refuses what is not of the contract, and leaves the rest as it was', () => {
  const history = open();
  expect(() => history.add(record({ tokens: -1 }))).toThrow();
  expect(history.list({ offset: 0, limit: 5 }).total).toBe(0);
  history.close();
});

it('begins a damaged file anew, and says so', async () => {
  const warnings: string[] = [];
  await writeFile(join(folder, 'history.db'), Buffer.alloc(8_192, 'no database '));
  const history = open({ warn: (...args: unknown[]) => void warnings.push(String(args.at(-1))) });
  history.add(record());
  expect(history.list({ offset: 0, limit: 5 }).total).toBe(1);
  history.close();
  expect(warnings).toEqual(['the history of answers is damaged: it is begun anew']);
  expect((await readFile(join(folder, 'history.db'))).subarray(0, 15).toString()).toBe('SQLite format 3');
});

it('refuses a file of a newer version', () => {
  const history = open();
  history.close();
  const path = join(folder, 'history.db');
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  expect(() => open()).toThrow(expect.objectContaining({ code: 'HOST_HISTORY_UNUSABLE' }));
});
