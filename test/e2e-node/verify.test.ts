import { mkdtempSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LayerRange } from '../../src-main/base/index.ts';
import { encodeReceiptsFile, type ReceiptsFile } from '../../src-main/pipeline/index.ts';
import { hashFile } from '../../src-main/store/index.ts';
import { guideModel, inProcess, stagesOf } from '../compliance/stage-subjects.ts';
import { cli } from '../support/cli.ts';
import { generateModel } from '../support/models/index.ts';
import { answerWithReceipts } from '../support/receipts.ts';

const home = mkdtempSync(join(tmpdir(), 'omninode-verify-'));
afterAll(() => rm(home, { recursive: true, force: true }));

const RANGES: readonly LayerRange[] = [{ first: 0, last: 2 }, { first: 3, last: 5 }];
const prompt = Array.from({ length: 20 }, (_, i) => 300 + ((i * 37) % 1500));

async function answer(computed: readonly LayerRange[]): Promise<ReceiptsFile> {
  const stage = stagesOf(guideModel, home, inProcess);
  const engines = await Promise.all(computed.map((layers, i) => stage({ layers, isFirst: i === 0, isLast: i === 1, contextTokens: 64, maxSessions: 1, batchTokens: 32 })));
  const file = await answerWithReceipts({ engines, layers: RANGES, modelHash: await hashFile(guideModel), dtype: 'f16', prompt, answerTokens: 20, batchTokens: 32 });
  for (const engine of engines) await engine.dispose();
  return file;
}

const fileOf = async (name: string, bytes: Uint8Array | string): Promise<string> => {
  await writeFile(join(home, name), bytes);
  return join(home, name);
};
const verify = async (...args: string[]) => {
  const { code, stdout } = await cli(['verify', ...args, '--json'], { OMNINODE_HOME: home, OMNINODE_THREADS: '1' });
  return { code, value: JSON.parse(stdout) };
};

let honest = '';
beforeAll(async () => {
  honest = await fileOf('honest.json', encodeReceiptsFile(await answer(RANGES)));
});

it('accepts what honest nodes signed, and leaves nothing behind', async () => {
  const { code, value } = await verify(honest, '--windows', '9');
  expect({ code, value }).toMatchObject({ code: 0, value: { accepted: true, windows: 2, receipts: 4 } });
  expect(readdirSync(home).filter((name) => name.startsWith('verify-'))).toEqual([]);
  const { stdout } = await cli(['verify', honest], { OMNINODE_HOME: home, OMNINODE_THREADS: '1' });
  expect(stdout).toMatch(/^accepted {2}layers 0-2 {2}rows \d+-\d+ {2}peer \S+ {2}\d+\/\d+ lost, steps [\d.]+$/m);
});

it('rejects a node that left a layer out, with its name, and exits with 3', async () => {
  const cheated = await fileOf('cheated.json', encodeReceiptsFile(await answer([{ first: 0, last: 2 }, { first: 3, last: 4 }])));
  const { code, value } = await verify(cheated, '--windows', '9');
  expect({ code, accepted: value.accepted }).toEqual({ code: 3, accepted: false });
  expect(value.verdicts.filter((verdict: { outcome: string }) => verdict.outcome === 'rejected').map((verdict: { layers: number[] }) => verdict.layers)).toContainEqual([3, 5]);
});

it('accepts what pipeline-infer had its nodes sign', async () => {
  const file = join(home, 'receipts', 'live.json');
  const { code, stdout } = await cli(['pipeline-infer', 'How does OmniNode split a model?', '--cluster', '3', '--max-tokens', '40', '--receipts', file, '--json'], { OMNINODE_HOME: home, OMNINODE_THREADS: '1' });
  const report = JSON.parse(stdout);
  expect({ code, receipts: report.receipts }).toEqual({ code: 0, receipts: { file, count: expect.any(Number), problems: [] } });
  expect(readdirSync(join(home, 'receipts'))).toEqual(['live.json']);
  const found = await verify(file, '--windows', '99');
  // The prompt's rows, and the answer's but the last.
  const windows = Math.ceil((report.promptTokens + report.tokenIds.length - 1) / 32);
  expect(found).toMatchObject({ code: 0, value: { accepted: true, contradictions: [], windows, receipts: 3 * windows } });
  expect(report.receipts.count).toBe(3 * windows);
  expect(new Set(found.value.verdicts.map(({ peer }: { peer: string }) => peer))).toEqual(new Set(report.stages.map(({ peerId }: { peerId: string }) => peerId)));
});

it('says what is wrong with a file or a model', async () => {
  const bad = async (args: string[], code: number, error: string) => expect(await verify(...args)).toMatchObject({ code, value: { error: { code: error } } });
  await bad([join(home, 'absent.json')], 2, 'HOST_RECEIPTS_NOT_FOUND');
  await bad([await fileOf('text.json', 'no JSON')], 2, 'RECEIPT_BAD_FILE');
  await bad([await fileOf('empty.json', '{}')], 2, 'RECEIPT_BAD_FILE');
  const { receipts, ...rest } = await answer(RANGES);
  const flipped = receipts.map(({ body, signature }) => ({ body, signature: signature.map((byte) => byte ^ 1) }));
  await bad([await fileOf('forged.json', encodeReceiptsFile({ ...rest, receipts: flipped }))], 3, 'RECEIPT_BAD_SIGNATURE');
  await generateModel({ path: join(home, 'other.gguf'), architecture: 'llama', type: 'Q4_0' });
  await bad([honest, '--model', join(home, 'other.gguf')], 2, 'RECEIPT_OTHER_MODEL');
});
