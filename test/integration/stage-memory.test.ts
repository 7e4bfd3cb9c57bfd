import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createWorkerEngine, GREEDY, type StageEngine } from '../../src-main/inference/index.ts';
import { StageChain } from '../compliance/stage-chain.ts';
import { evenly, stagesOf, worker } from '../compliance/stage-subjects.ts';
import { generateModel } from '../support/models/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-memory-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const MEGABYTE = 1e6;
const LAYERS = 18;
/** Node with the addon and llama.cpp's libraries, plus graph buffers: all that a stage may take beside its own weights and cache. */
const OVERHEAD_BYTES = 150 * MEGABYTE;

/** What a process has in memory, mapped weights included. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

it.runIf(process.platform === 'linux')('a stage process holds its own layers and no others', { timeout: 300_000 }, async () => {
  const model = join(folder, 'model.gguf');
  // Q4_0: llama.cpp keeps its own layout of such weights beside the file's, which must not count twice.
  await generateModel({ path: model, architecture: 'llama', type: 'Q4_0', layers: LAYERS, hiddenSize: 2048, vocabSize: 2048, seed: 9 });
  const modelBytes = (await stat(model)).size;
  expect(modelBytes).toBeGreaterThan(480 * MEGABYTE);
  const children: ChildProcess[] = [];
  const spawn = (path: string): ChildProcess => {
    const child = fork(path, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    children.push(child);
    return child;
  };
  const load = stagesOf(model, folder, (options) => createWorkerEngine(options, { ...worker, spawn }));
  const engines: StageEngine[] = [];
  for (const layers of evenly(LAYERS, 3)) engines.push(await load({ layers, isFirst: layers.first === 0, isLast: layers.last === LAYERS - 1, contextTokens: 256, maxSessions: 1, batchTokens: 64 }));
  const chain = new StageChain(engines);
  const session = await chain.open(GREEDY);
  await session.generate(Array.from({ length: 16 }, (_, i) => 300 + i), 4);
  const resident = await Promise.all(children.map((child) => residentBytes(child.pid ?? -1)));
  const own = engines.map(({ info }) => info.weightBytes + info.kvBytes);
  await chain.dispose();
  process.stdout.write(`model ${(modelBytes / MEGABYTE).toFixed(0)} MB; per stage, own/resident: ${own.map((bytes, i) => `${(bytes / MEGABYTE).toFixed(0)}/${((resident[i] ?? 0) / MEGABYTE).toFixed(0)}`).join(' ')} MB\n`);
  expect(own.reduce((sum, bytes) => sum + bytes)).toBeLessThan(modelBytes * 1.1);
  resident.forEach((bytes, i) => expect(bytes, `stage ${i}`).toBeLessThan((own[i] ?? 0) + OVERHEAD_BYTES));
});
