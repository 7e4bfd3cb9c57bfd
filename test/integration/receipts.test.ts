import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noMetrics, silentLogger, systemClock, type LayerRange } from '../../src-main/base/index.ts';
import type { StageEngine } from '../../src-main/inference/index.ts';
import { createMesh, verifySignature } from '../../src-main/mesh/index.ts';
import { decodeReceipt, decodeReceiptsFile, encodeReceiptsFile, excerptOf, openReceipt, openReceiptSession, signReceipt, verifySession, type LoadRange, type Receipt, type ReceiptsFile, type SignedReceipt, type Verification } from '../../src-main/pipeline/index.ts';
import { guideModel, inProcess, stagesOf } from '../compliance/stage-subjects.ts';
import { answerWithReceipts, type ReceiptedRun } from '../support/receipts.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-receipts-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const LAYERS = 6;
const RANGES: readonly LayerRange[] = [{ first: 0, last: 1 }, { first: 2, last: 3 }, { first: 4, last: 5 }];
const prompt = Array.from({ length: 40 }, (_, i) => 300 + ((i * 37) % 1500));
const SIZES = { contextTokens: 128, maxSessions: 1, batchTokens: 16 };

const stage = stagesOf(guideModel, folder, inProcess);
const loadAll = (ranges: readonly LayerRange[]): Promise<StageEngine[]> =>
  Promise.all(ranges.map((layers, i) => stage({ ...SIZES, layers, isFirst: i === 0, isLast: i === ranges.length - 1 })));
const load: LoadRange = (layers, part) => stage({ ...SIZES, batchTokens: 256, contextTokens: 256, layers, ...part });

async function answer(ranges: readonly LayerRange[], options: Partial<ReceiptedRun> = {}): Promise<ReceiptsFile> {
  const engines = await loadAll(ranges);
  const file = await answerWithReceipts({ engines, modelHash: 'ab'.repeat(32), dtype: 'f16', prompt, answerTokens: 60, batchTokens: 16, ...options });
  for (const engine of engines) await engine.dispose();
  return file;
}

async function verify(file: ReceiptsFile, windows = 10): Promise<Verification> {
  const session = await openReceiptSession(decodeReceiptsFile(encodeReceiptsFile(file), 'a file'), { name: 'a file', verifySignature });
  return verifySession(session, { load, totalLayers: LAYERS, weights: 'quantised', windows, random: () => 0, batchTokens: 256, signal: new AbortController().signal });
}
/** With other words, under another key. */
async function signedAnew({ receipts }: ReceiptsFile, change: (receipt: Receipt) => Partial<Receipt>): Promise<SignedReceipt[]> {
  const { signer } = await createMesh({ listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test' }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
  return Promise.all(receipts.map((signed) => {
    const receipt = decodeReceipt(signed.body);
    const { version: _, peer: __, ...rest } = { ...receipt, ...change(receipt) };
    return signReceipt(rest, signer);
  }));
}

const outcomes = ({ verdicts }: Verification): string[] => verdicts.map(({ layers, first, outcome }) => `${layers.join('-')} at ${first}: ${outcome}`);

let honest: ReceiptsFile;
beforeAll(async () => {
  honest = await answer(RANGES);
});

describe('the receipts of three honest stages', () => {
  it('of one window alone are accepted as well, with the tokens up to there and no more', async () => {
    for (const { first, count, receipts } of (await openReceiptSession(honest, { name: 'it', verifySignature })).windows) {
      const excerpt = excerptOf(honest, { first, count });
      expect([...excerpt.promptTokens, ...excerpt.answerTokens]).toEqual([...honest.promptTokens, ...honest.answerTokens].slice(0, first + count + 1));
      expect(await verify(excerpt)).toMatchObject({ accepted: true, windows: 1, receipts: receipts.length, contradictions: [] });
    }
  });

  it('are one per stage and window, and accepted', async () => {
    expect(honest.receipts).toHaveLength(3 * 4);
    const found = await verify(honest);
    expect(found).toMatchObject({ accepted: true, windows: 4, receipts: 12, contradictions: [] });
    // In the first window the last stage samples nothing, and so has no output that it could commit to.
    expect(outcomes(found).filter((text) => !text.endsWith('accepted'))).toEqual(['4-5 at 0: unchecked']);
    // The prompt ends in the second window; the answer's tokens are sampled from row 39 on.
    expect(found.verdicts.filter((verdict) => verdict.layers[1] === 5).map((verdict) => verdict.samples.length)).toEqual([0, 25, 32, 3]);
  });

  it('are accepted from as many windows as asked for', async () => {
    expect(outcomes(await verify(honest, 1))).toEqual(['0-1 at 0: accepted', '2-3 at 0: accepted', '4-5 at 0: unchecked']);
  });

  it('are accepted from one stage that has all layers, also of an answer that cannot be sampled again', async () => {
    const whole = await verify(await answer([{ first: 0, last: 5 }], { dtype: 'f32' }));
    expect(outcomes(whole)).toEqual(['0-5 at 0: unchecked', '0-5 at 32: accepted', '0-5 at 64: accepted', '0-5 at 96: accepted']);
    const sampled = await verify({ ...(await answer([{ first: 0, last: 5 }])), greedy: false });
    expect(outcomes(sampled)).toEqual(outcomes(whole));
    expect(sampled.verdicts.map(({ samples, output }) => [samples.length, output?.lost])).toEqual([[0, undefined], [0, 0], [0, 0], [0, 0]]);
  });

  it('are accepted from a part of the stages', async () => {
    const middle = { ...honest, receipts: honest.receipts.slice(4, 8) };
    expect(await verify(middle)).toMatchObject({ accepted: true, receipts: 4, verdicts: [{ layers: [2, 3] }, {}, {}, {}] });
  });

  it('say nothing for other tokens', async () => {
    const otherPrompt = await verify({ ...honest, promptTokens: prompt.map((token) => token + 1) });
    expect(otherPrompt.accepted).toBe(false);
    expect(otherPrompt.contradictions).toContain('rows 0-31: the first stage was given other tokens');
    const otherAnswer = await verify({ ...honest, answerTokens: honest.answerTokens.map((token, i) => (i === 30 ? token + 1 : token)) });
    expect(otherAnswer.contradictions).toEqual(['rows 64-95: the first stage was given other tokens', 'rows 64-95: the last stage sampled other tokens']);
  });

  it('of two sessions, of unlike boundaries, twice the same, or beyond the tokens are no file', async () => {
    const bad = (file: ReceiptsFile) => expect(verify(file)).rejects.toMatchObject({ code: 'RECEIPT_BAD_FILE' });
    const other = await answer(RANGES, { modelHash: 'cd'.repeat(32), answerTokens: 4 });
    await bad({ ...honest, receipts: [...honest.receipts, ...other.receipts] });
    await bad({ ...honest, receipts: [...honest.receipts, ...honest.receipts.slice(0, 1)] });
    await bad({ ...honest, receipts: await signedAnew(honest, (receipt) => (receipt.layers[0] === 2 ? { takes: 'f32' } : {})) });
    await bad({ ...honest, receipts: await signedAnew(honest, (receipt) => (receipt.first === 32 ? { takes: 'f32', sends: 'f32' } : {})) });
    await bad({ ...honest, answerTokens: honest.answerTokens.slice(0, 20) });
    await bad({ ...honest, receipts: [...honest.receipts, ...(await answer([{ first: 0, last: 2 }, { first: 3, last: 5 }])).receipts] });
  });

  it('with a changed bit are nobody\'s', async () => {
    const receipts = honest.receipts.map(({ body, signature }) => ({ body, signature: signature.map((byte) => byte ^ 1) }));
    await expect(verify({ ...honest, receipts })).rejects.toMatchObject({ code: 'RECEIPT_BAD_SIGNATURE' });
  });
});

describe('a stage that does not what it signs', () => {
  it('is named when it leaves a layer out, and those after it are not blamed', async () => {
    const cheats: readonly LayerRange[] = [{ first: 0, last: 1 }, { first: 2, last: 2 }, { first: 4, last: 5 }];
    const found = await verify(await answer(cheats, { layers: RANGES }), 1);
    expect(found.accepted).toBe(false);
    expect(outcomes(found)).toEqual(['0-1 at 0: accepted', '2-3 at 0: rejected', '4-5 at 0: misled']);
  });

  it('is named when it is the last and the answer cannot be sampled again', async () => {
    const cheats: readonly LayerRange[] = [{ first: 0, last: 1 }, { first: 2, last: 3 }, { first: 4, last: 4 }];
    const found = await verify({ ...(await answer(cheats, { layers: RANGES })), greedy: false });
    expect(outcomes(found).filter((text) => text.startsWith('4-5'))).toEqual(['4-5 at 0: unchecked', '4-5 at 32: rejected', '4-5 at 64: rejected', '4-5 at 96: rejected']);
    expect(outcomes(found).filter((text) => text.endsWith('rejected'))).toHaveLength(3);
  });

  it('is named when it says another token than it sampled', async () => {
    const found = await verify(await answer(RANGES, { forge: (token, index) => (index === 10 ? token + 1 : token) }));
    // Everything after the forged token was computed as it should be.
    expect(found.contradictions).toEqual([]);
    expect(outcomes(found).filter((text) => text.endsWith('rejected'))).toEqual(['4-5 at 32: rejected']);
    expect(found.verdicts.flatMap((verdict) => verdict.reasons)).toEqual([`token ${(honest.answerTokens[10] ?? 0) + 1} after row 49, where ${honest.answerTokens[10]} is the likeliest`]);
  });

  it('cannot leave its samples out', async () => {
    const receipts = await signedAnew(honest, ({ sampledTokens }) => (sampledTokens === null ? {} : { sampledTokens: sampledTokens.slice(0, 2) }));
    const found = await verify({ ...honest, receipts });
    expect(found).toMatchObject({ accepted: false, contradictions: expect.arrayContaining(['rows 64-95: the last stage names 2 of 32 samples']) });
  });

  it('contradicts its neighbour when it signs for rows that it was not sent', async () => {
    const other = await answer(RANGES, { prompt: prompt.toReversed() });
    const found = await verify({ ...honest, receipts: [...honest.receipts.slice(0, 4), ...other.receipts.slice(4, 8), ...honest.receipts.slice(8)] });
    expect(found.contradictions.some((text) => text.includes('do not agree'))).toBe(true);
    expect(outcomes(found).filter((text) => text.startsWith('2-3'))).toEqual([0, 32, 64, 96].map((at) => `2-3 at ${at}: rejected`));
    expect(outcomes(found).filter((text) => !text.startsWith('2-3') && !text.endsWith('accepted'))).toEqual(['4-5 at 0: unchecked']);
  });

  it('signs with its own key only', async () => {
    const peers = new Set(await Promise.all(honest.receipts.map(async (signed) => (await openReceipt(signed, verifySignature)).peer)));
    expect(peers.size).toBe(3);
  });
});
