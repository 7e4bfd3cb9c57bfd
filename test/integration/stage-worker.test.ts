import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkerEngine, createWorkerTokenizer, GREEDY, probeEngine, type ForwardItem, type StageLoadOptions, type WorkerOptions } from '../../src-main/inference/index.ts';
import { WorkerClient } from '../../src-main/inference/engine/worker-client.ts';
import { u32 } from '../../src-main/store/index.ts';
import { guideModel, worker } from '../compliance/stage-subjects.ts';
import { generateModel } from '../support/models/index.ts';
import { outliveNobody } from '../support/orphan.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-worker-'));
const model = join(folder, 'model.gguf');
const options: StageLoadOptions = {
  path: model, layers: { first: 0, last: 3 }, isFirst: true, isLast: true, contextTokens: 64, maxSessions: 1, batchTokens: 16, threads: 1, gpuLayers: 0,
};

beforeAll(() => generateModel({ path: model, architecture: 'llama', type: 'Q8_0', layers: 4, seed: 3 }));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Worker options that keep hold of the process, as a supervisor would. */
function watched(path = worker.workerPath): { options: WorkerOptions; child: () => ChildProcess } {
  let child: ChildProcess | undefined;
  const start = (file: string): ChildProcess => (child = fork(file, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] }));
  return {
    options: { ...worker, workerPath: path, spawn: start },
    child: () => child ?? expect.fail('nothing was started'),
  };
}

const item = (session: number, tokens: number): ForwardItem =>
  ({ session, position: 0, input: { kind: 'tokens', tokens: new Int32Array(tokens).fill(300) }, want: { kind: 'sample' } });

describe('a stage in a process of its own', () => {
  it.each(['SIGKILL', 'SIGABRT'] as const)('is a coded error to its callers when %s ends it', async (signal) => {
    const { options: workerOptions, child } = watched();
    const engine = await createWorkerEngine(options, workerOptions);
    const session = await engine.open(GREEDY);
    const call = engine.forward([item(session, 16)]);
    child().kill(signal);
    await expect(call).rejects.toMatchObject({ code: 'ENGINE_WORKER_LOST', retryable: true, message: expect.stringContaining(signal) as string });
    expect(await engine.lost).toMatchObject({ code: 'ENGINE_WORKER_LOST' });
    await expect(engine.open(GREEDY)).rejects.toMatchObject({ code: 'ENGINE_WORKER_LOST' });
    await engine.dispose();
  });

  it('leaves no process after dispose, and none when loading fails', async () => {
    const good = watched();
    const engine = await createWorkerEngine(options, good.options);
    await engine.dispose();
    expect(good.child().exitCode).toBe(0);
    const bad = watched();
    await expect(createWorkerEngine({ ...options, threads: 0 }, bad.options)).rejects.toMatchObject({ code: 'ENGINE_BAD_ARGUMENT' });
    expect(bad.child().exitCode).toBe(0);
  });

  it('goes on after messages that make no sense', async () => {
    const { options: workerOptions, child } = watched();
    const client = new WorkerClient(workerOptions);
    await client.devices;
    for (const garbage of ['nonsense', 7, { id: -1, op: 'load' }, { id: 1, op: 'load', input: {}, more: 1 }]) child().send(garbage);
    const [refusal] = (await once(child().stderr ?? expect.fail('no stderr'), 'data')) as [Buffer];
    expect(refusal.toString()).toContain('refused');
    const call = client.call.bind(client) as (op: string, input: unknown) => Promise<unknown>;
    for (const [op, input] of [['constructor', 0], ['load', { path: 1 }], ['forward', 'rows'], ['forward', [{ session: 0 }]], ['open', null], ['open', { sampling: GREEDY, record: 'f64' }], ['takeWindows', { session: 0, end: 8 }]] as const) {
      await expect(call(op, input), op).rejects.toMatchObject({ code: 'ENGINE_BAD_ARGUMENT' });
    }
    expect(await client.call('load', options)).toMatchObject({ architecture: 'llama' });
    await client.dispose();
  });

  it('is ended when it answers nonsense', async () => {
    const path = join(folder, 'nonsense.mjs');
    await writeFile(path, "process.on('message', () => process.send({ id: 'x' }));");
    const { options: workerOptions, child } = watched(path);
    await expect(createWorkerEngine(options, workerOptions)).rejects.toMatchObject({ code: 'ENGINE_WORKER_GARBAGE' });
    expect(child().signalCode).toBe('SIGKILL');
  });

  it('dies with its parent, also when that is killed', async () => {
    const inference = join(import.meta.dirname, '../../src-main/inference/index.ts');
    expect(await outliveNobody(join(folder, 'parent.mts'), `import { createWorkerEngine } from ${JSON.stringify(inference)};
await createWorkerEngine(${JSON.stringify(options)}, ${JSON.stringify(worker)});`)).toBe('SIGKILL');
  });
});

describe('what cannot be loaded', () => {
  const load = (path: string): Promise<unknown> => createWorkerEngine({ ...options, path }, worker);

  it('is said for a file that is not there, cut short, random or empty', async () => {
    const bytes = await readFile(model);
    const files = {
      cut: bytes.subarray(0, bytes.length / 2), header: bytes.subarray(0, 100), random: Buffer.from(bytes.map((byte, i) => byte ^ (i * 31))), empty: Buffer.alloc(0),
    };
    await expect(load(join(folder, 'missing.gguf'))).rejects.toMatchObject({ code: 'ENGINE_LOAD_FAILED' });
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), content);
      await expect(load(join(folder, name)), name).rejects.toMatchObject({ code: 'ENGINE_LOAD_FAILED', next: expect.any(String) as string });
    }
  });

  it('is said for missing tensors and for an unknown architecture', async () => {
    const missing = join(folder, 'missing-tensors.gguf');
    await generateModel({ path: missing, architecture: 'llama', type: 'F32', layers: 1, metadata: { 'llama.block_count': u32(2) } });
    await expect(load(missing)).rejects.toMatchObject({ code: 'ENGINE_LOAD_FAILED', message: expect.stringContaining('blk.1') as string });
    const unknown = join(folder, 'unknown.gguf');
    await writeFile(unknown, (await readFile(model)).toString('latin1').replace('general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0llama', 'general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0lamma'), 'latin1');
    await expect(load(unknown)).rejects.toMatchObject({ code: 'ENGINE_LOAD_FAILED', message: expect.stringContaining('lamma') as string });
  });

  it('is said with figures when the cache does not fit the memory', async () => {
    const failure = await createWorkerEngine({ ...options, contextTokens: 1_000_000_000 }, worker).then(() => undefined, (error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ENGINE_NO_MEMORY' });
    const { meta } = failure as { meta: { neededBytes: number; freeBytes: number } };
    expect(meta.neededBytes).toBeGreaterThan(1e12);
    expect(meta.freeBytes).toBeGreaterThan(0);
  });

  it('is said when the addon is not there', async () => {
    await expect(probeEngine({ ...worker, nativePath: join(folder, 'none.node') })).rejects.toMatchObject({ code: 'ENGINE_ADDON_MISSING' });
  });
});

it('the probe finds a processor to compute on', async () => {
  expect((await probeEngine(worker)).some((device) => !device.isGpu)).toBe(true);
});

describe('a vocabulary in a process of its own', () => {
  it('turns text into tokens and back, and renders the chat template', async () => {
    const tokenizer = await createWorkerTokenizer({ path: guideModel }, worker);
    const text = 'How does OmniNode split a model? ä€';
    const tokens = await tokenizer.tokenize(text, { addSpecial: false, parseSpecial: false });
    const bytes = await Promise.all(Array.from(tokens, (token) => tokenizer.tokenBytes(token)));
    expect(Buffer.concat(bytes).toString()).toContain(text);
    expect(tokenizer.endTokens.length).toBeGreaterThan(0);
    expect(await tokenizer.applyChatTemplate([{ role: 'user', content: 'hello' }], true)).toContain('hello');
    await expect(tokenizer.tokenBytes(tokenizer.vocabSize)).rejects.toMatchObject({ code: 'ENGINE_BAD_TOKEN' });
    await tokenizer.dispose();
  });
});
