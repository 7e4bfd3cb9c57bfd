import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { worker } from '../../../test/compliance/stage-subjects.ts';
import { generateModel } from '../../../test/support/models/index.ts';
import { WorkerClient } from '../engine/worker-client.ts';
import { GREEDY, type ForwardItem, type StageLoadOptions } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-busy-'));
const ROWS = 512;
const options: StageLoadOptions = {
  path: join(folder, 'model.gguf'), layers: { first: 0, last: 3 }, isFirst: true, isLast: true,
  contextTokens: ROWS, maxSessions: 2, batchTokens: ROWS, threads: 1, gpuLayers: 0,
};
const pass = (session: number): ForwardItem[] =>
  [{ session, position: 0, input: { kind: 'tokens', tokens: new Int32Array(ROWS).fill(300) }, want: { kind: 'none' } }];
let passMs = 0;

async function loaded(): Promise<WorkerClient> {
  const client = new WorkerClient(worker);
  await client.devices;
  await client.call('load', options);
  for (let session = 0; session < options.maxSessions; session++) await client.call('open', { sampling: GREEDY });
  return client;
}

beforeAll(async () => {
  // Large enough that one pass, which llama.cpp cannot leave, takes a second or so.
  await generateModel({ path: options.path, architecture: 'llama', type: 'Q4_0', layers: 4, hiddenSize: 2048, vocabSize: 512, seed: 9 });
  const client = await loaded();
  await client.call('forward', pass(0));
  const begunMs = performance.now();
  await client.call('forward', pass(1));
  passMs = performance.now() - begunMs;
  await client.dispose();
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it('does not finish a pass that nobody waits for any more', async () => {
  const client = await loaded();
  const ended = client.call('forward', pass(0)).then(() => 'finished', (error: unknown) => error);
  // Answered beside the pass: once it is, the pass has begun.
  await expect(client.call('tokenBytes', { token: 0, special: false })).rejects.toMatchObject({ code: 'ENGINE_BAD_ARGUMENT' });
  const begunMs = performance.now();
  await client.dispose();
  expect(performance.now() - begunMs).toBeLessThan(passMs / 2);
  expect(await ended).toMatchObject({ code: 'ENGINE_DISPOSED' });
});

it('is gone before its pass would end when its parent is killed', async () => {
  const script = join(folder, 'parent.mts');
  await writeFile(script, `import { WorkerClient } from ${JSON.stringify(join(import.meta.dirname, '../engine/worker-client.ts'))};
const client = new WorkerClient(${JSON.stringify(worker)});
await client.devices;
await client.call('load', ${JSON.stringify(options)});
await client.call('open', { sampling: ${JSON.stringify(GREEDY)} });
client.call('forward', [{ session: 0, position: 0, input: { kind: 'tokens', tokens: new Int32Array(${ROWS}).fill(300) }, want: { kind: 'none' } }]);
await client.call('tokenBytes', { token: 0, special: false }).catch(() => process.stdout.write('busy'));`);
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(parent.stdout, 'data');
  // The worker shares this pipe: it closes when the last of both is gone.
  const closed = once(parent.stderr, 'close');
  parent.stderr.resume();
  const begunMs = performance.now();
  parent.kill('SIGKILL');
  await closed;
  expect(performance.now() - begunMs).toBeLessThan(passMs / 2);
});
