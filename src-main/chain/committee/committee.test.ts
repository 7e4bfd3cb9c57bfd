import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hex } from '../index.ts';
import { caseNamed } from './named.ts';
import { actsOf, phaseOf, type CaseClock } from './phase.ts';
import { VoteSalts } from './salts.ts';
import { evidenceBytes, evidenceText } from './words.ts';

const DAY = 86_400;
const word = (digits: string): Hex => `0x${digits.padEnd(64, '0')}`;

describe('a case by the chain\'s time', () => {
  const at = (timeS: number, more: Partial<CaseClock> = {}): CaseClock => ({ standing: 'open', isDrawn: true, deadlineS: 1_000, drawBlock: 9, opened: 0, now: { timeS, block: 20 }, ...more });

  it.each([
    ['draw', at(999, { isDrawn: false }), 1_000_000], ['over', at(1_000, { isDrawn: false }), 1_000_000],
    ['vote', at(999), 1_000_000], ['reveal', at(1_000), (1_000 + DAY) * 1000], ['reveal', at(999 + DAY), (1_000 + DAY) * 1000], ['over', at(1_000 + DAY), (1_000 + DAY) * 1000],
    ['upheld', at(0, { standing: 'upheld' }), undefined],
  ] as const)('is in %s', (phase, clock, untilMs) => {
    expect(phaseOf(clock)).toEqual({ phase, ...(untilMs === undefined ? {} : { untilMs }) });
  });

  it('lets do what its phase allows, and no member more than once', () => {
    expect(actsOf(at(999, { isDrawn: false, drawBlock: 20 }), undefined)).toEqual(['addEvidence']);
    expect(actsOf(at(999, { isDrawn: false }), undefined)).toEqual(['draw', 'addEvidence']);
    expect([undefined, {}, { vote: 'hidden' } as const].map((seat) => actsOf(at(999), seat))).toEqual([['addEvidence'], ['vote', 'addEvidence'], ['vote', 'addEvidence']]);
    expect([undefined, {}, { vote: 'hidden' } as const, { vote: 'open' } as const].map((seat) => actsOf(at(1_000), seat))).toEqual([[], [], ['reveal'], []]);
    expect(actsOf(at(1_000, { opened: 5 }), { vote: 'open' })).toEqual(['conclude']);
    expect(actsOf(at(DAY + 1_000, { opened: 2 }), { vote: 'hidden' })).toEqual(['conclude']);
    expect(actsOf(at(0, { standing: 'undecided' }), { vote: 'hidden' })).toEqual([]);
  });
});

it('names a case by how its ids begin, and says which there are', () => {
  const sessions = [{ sessionId: word('aa1'), nodeIds: [word('b1'), word('b2')] }, { sessionId: word('aa2'), nodeIds: [word('b1')] }];
  expect(caseNamed(sessions, { session: '0xaa1', node: '0xb2' })).toEqual({ sessionId: word('aa1'), nodeId: word('b2') });
  expect(() => caseNamed(sessions, { session: '0xab', node: '0xb' })).toThrow(expect.objectContaining({ code: 'COMMITTEE_UNKNOWN_SESSION' }) as Error);
  expect(() => caseNamed(sessions, { session: '0xaa', node: '0xb1' })).toThrow(expect.objectContaining({ code: 'COMMITTEE_AMBIGUOUS', meta: { name: '0xaa', candidates: [word('aa1'), word('aa2')] } }) as Error);
  expect(() => caseNamed(sessions, { session: '0xaa1', node: '0xb' })).toThrow(expect.objectContaining({ code: 'COMMITTEE_AMBIGUOUS' }) as Error);
  expect(() => caseNamed(sessions, { session: '0xaa2', node: '0xb2' })).toThrow(expect.objectContaining({ code: 'COMMITTEE_UNKNOWN_NODE', meta: { name: '0xb2', nodes: [word('b1')] } }) as Error);
});

it('reads evidence of strangers as plain words, or as the bytes that it is', () => {
  expect(evidenceText(evidenceBytes('läuft\u001b[2J\n'))).toBe('läuft\\u{1b}[2J\\u{a}');
  expect(evidenceText('0xff00')).toBe('0xff00');
  expect(evidenceBytes('x'.repeat(1_024))).toHaveLength(2_050);
  expect(() => evidenceBytes('ä'.repeat(513))).toThrow(expect.objectContaining({ code: 'COMMITTEE_EVIDENCE_TOO_LONG', meta: { sizeBytes: 1_026, limitBytes: 1_024 } }) as Error);
});

describe('what hides a vote', () => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-votes-')); });
  afterEach(() => rm(folder, { recursive: true }));
  const account: Hex = `0x${'Ab'.repeat(20)}`;
  const other: Hex = `0x${'cd'.repeat(20)}`;
  const lower: Hex = `0x${'ab'.repeat(20)}`;
  const ballot = { sessionId: word('1'), nodeId: word('2'), account };

  it('is made once for a case and an account, whoever asks at the same time, and found after a restart', async () => {
    const salts = new VoteSalts(join(folder, 'votes'));
    expect(await salts.find(ballot)).toBeUndefined();
    const made = await Promise.all([salts.make(ballot), salts.make(ballot), salts.make({ ...ballot, account: lower })]);
    expect(new Set(made).size).toBe(1);
    expect(await new VoteSalts(join(folder, 'votes')).find(ballot)).toBe(made[0]);
    const others = await Promise.all([{ ...ballot, nodeId: word('3') }, { ...ballot, sessionId: word('3') }, { ...ballot, account: other }].map((one) => salts.make(one)));
    expect(new Set([...others, made[0]]).size).toBe(4);
  });

  it('lies in a whole file that only its owner reads, and is not replaced where that is damaged', async () => {
    const salts = new VoteSalts(folder);
    await salts.make(ballot);
    const [name = ''] = await readdir(folder);
    const path = join(folder, name);
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const text of ['', '{"version":1}', 'x'.repeat(5_000), (await readFile(path, 'utf8')).replace('"version":1', '"version":2')]) {
      await writeFile(path, text);
      await expect(salts.make(ballot)).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', meta: { path } });
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });
});
