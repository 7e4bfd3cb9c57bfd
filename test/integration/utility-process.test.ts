import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { utilityChildren } from '../../src-main/electron/utility-child.ts';
import { appPaths, loadSettings, startCluster } from '../../src-main/host/index.ts';
import { createWorkerEngine, GREEDY, type StageLoadOptions } from '../../src-main/inference/index.ts';
import { only } from '../compliance/stage-chain.ts';
import { inProcess, worker } from '../compliance/stage-subjects.ts';
import { generateModel } from '../support/models/index.ts';
import { utilityDouble } from '../support/utility-double.ts';

/** Children as under Electron: its binary is not here, its way of talking to them is. */
const folder = mkdtempSync(join(tmpdir(), 'omninode-utility-'));
const path = join(folder, 'model.gguf');
const options: StageLoadOptions = { path, layers: { first: 0, last: 3 }, isFirst: true, isLast: true, contextTokens: 64, maxSessions: 1, batchTokens: 16, threads: 1, gpuLayers: 0 };
const children: ChildProcess[] = [];
const spawn = utilityChildren(utilityDouble(children));

beforeAll(() => generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: 4, seed: 3 }));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function firstToken(engine: Awaited<ReturnType<typeof createWorkerEngine>>): Promise<number> {
  const session = await engine.open(GREEDY);
  const out = await only(engine, { session, position: 0, input: { kind: 'tokens', tokens: Int32Array.of(5, 40, 41) }, want: { kind: 'sample' } });
  return out.kind === 'sampled' ? out.token : -1;
}

it('a stage in a utility process computes what one in this process does, and ends with its engine', async () => {
  const near = await inProcess(options);
  const far = await createWorkerEngine(options, { ...worker, spawn });
  expect(await firstToken(far)).toBe(await firstToken(near));
  await far.dispose();
  await near.dispose();
  expect(children.at(-1)?.signalCode).toBe('SIGKILL');
});

it('a utility process that ends is a coded error to its callers', async () => {
  const engine = await createWorkerEngine(options, { ...worker, spawn });
  children.at(-1)?.kill('SIGKILL');
  expect(await engine.lost).toMatchObject({ code: 'ENGINE_WORKER_LOST', message: expect.stringContaining('exit code') });
  await expect(engine.open(GREEDY)).rejects.toMatchObject({ code: 'ENGINE_WORKER_LOST' });
  await engine.dispose();
});

it('the nodes of a cluster start as utility processes and stop in order', async () => {
  const settings = await loadSettings({ model: path, home: folder, contextTokens: 64 });
  const before = children.length;
  const cluster = await startCluster(settings, { nodes: 2, paths: appPaths(), spawn });
  expect(cluster.nodes.map(({ layers }) => [layers.first, layers.last])).toEqual([[0, 1], [2, 3]]);
  await cluster.stop();
  expect(children.slice(before).map(({ exitCode }) => exitCode)).toEqual([0, 0]);
});
