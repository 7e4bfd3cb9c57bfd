import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { HIDDEN_SIZE, MAX_TOKENS, writeEmbeddingModel } from '../support/embedding-model/index.ts';
import { INSTALL_TIMEOUT_MS, installEmbeddingRuntime } from '../support/embedding-runtime.ts';

const home = mkdtempSync(join(tmpdir(), 'omninode-embed-cli-'));
const model = join(home, 'model');
const embed = (...args: string[]) => cli(['embed', ...args], { OMNINODE_HOME: home });

beforeAll(async () => {
  await installEmbeddingRuntime();
  await writeEmbeddingModel({ folder: model, weightFile: 'onnx/model_quantized.onnx' });
}, INSTALL_TIMEOUT_MS);
afterAll(() => rm(home, { recursive: true, force: true }));

it('prints one vector per text, for eyes and for programs', async () => {
  const { stdout, code } = await embed('the dog', 'a cat', '--model', model, '--json');
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ model, dimensions: HIDDEN_SIZE, maxTokens: MAX_TOKENS, embeddings: [{ text: 'the dog' }, { text: 'a cat' }] });
  for (const { vector } of report.embeddings) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  const plain = await embed('the dog', 'a cat', '--model', model);
  expect(plain.stdout.trim().split('\n').map((line) => JSON.parse(line))).toEqual(report.embeddings.map((one: { vector: number[] }) => one.vector));
});

it('fetches the model from where it is told', async () => {
  const server = createServer((request, response) => void readFile(join(model, request.url ?? '')).then((bytes) => response.end(bytes), () => response.writeHead(404).end())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { stdout, code } = await embed('the dog', '--model', join(home, 'fetched'), '--download', `http://127.0.0.1:${(server.address() as AddressInfo).port}`, '--json');
  server.close();
  expect({ code, dimensions: JSON.parse(stdout).dimensions }).toEqual({ code: 0, dimensions: HIDDEN_SIZE });
});

it('says what is wrong, with an exit code', async () => {
  const failure = async (...args: string[]) => {
    const { stdout, code } = await embed(...args, '--json');
    return [code, JSON.parse(stdout).error.code];
  };
  expect(await failure('hi', '--model', join(home, 'none'))).toEqual([2, 'EMBED_MISSING_FILE']);
  expect(await failure('', '--model', model)).toEqual([2, 'EMBED_EMPTY_TEXT']);
  expect(await failure('dog '.repeat(40), '--model', model)).toEqual([2, 'EMBED_TEXT_TOO_LONG']);
});

it('follows its options, and refuses what they cannot be', async () => {
  expect((await embed('dog '.repeat(40), '--model', model, '--truncate')).code).toBe(0);
  expect((await embed('hi', '--model', model, '--pooling', 'none')).code).toBe(2);
  expect((await embed('hi')).code).toBe(2);
});
