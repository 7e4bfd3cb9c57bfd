import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utilityChildren } from '../../src-main/electron/utility-child.ts';
import { createEmbedder, type Embedder, type EmbedderOptions } from '../../src-main/inference/index.ts';
import { HIDDEN_SIZE, MAX_TOKENS, tokenId, writeEmbeddingModel } from '../support/embedding-model/index.ts';
import { binariesFolder, embedding, INSTALL_TIMEOUT_MS, installEmbeddingRuntime } from '../support/embedding-runtime.ts';
import { outliveNobody } from '../support/orphan.ts';
import { utilityDouble } from '../support/utility-double.ts';

/** The real transformers.js and ONNX Runtime, in the real process, on models that are made here. */
const folder = mkdtempSync(join(tmpdir(), 'omninode-embed-'));
const model = join(folder, 'model');
const plain = join(folder, 'plain');
let tables: Awaited<ReturnType<typeof writeEmbeddingModel>>;

beforeAll(async () => {
  await installEmbeddingRuntime();
  await writeEmbeddingModel({ folder: model });
  tables = await writeEmbeddingModel({ folder: plain, blocks: 0 });
}, INSTALL_TIMEOUT_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

const load = (options: Partial<EmbedderOptions> = {}): Promise<Embedder> => createEmbedder({ ...embedding, modelFolder: model, ...options });

async function withEmbedder<T>(options: Partial<EmbedderOptions>, use: (embedder: Embedder) => Promise<T>): Promise<T> {
  const embedder = await load(options);
  return use(embedder).finally(() => embedder.dispose());
}

/** Keeps hold of the process, as a supervisor would. */
function watched(): { spawn: NonNullable<EmbedderOptions['spawn']>; child: () => ChildProcess } {
  let child: ChildProcess | undefined;
  return {
    spawn: (path) => (child = fork(path, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })),
    child: () => child ?? expect.fail('nothing was started'),
  };
}

const unit = (vector: readonly number[]): number[] => vector.map((x) => x / Math.hypot(...vector));
const stateOf = (token: string, position: number): number[] =>
  Array.from({ length: HIDDEN_SIZE }, (_, i) => (tables.words[tokenId(token) * HIDDEN_SIZE + i] ?? 0) + (tables.positions[position * HIDDEN_SIZE + i] ?? 0));
const closeTo = (vector: readonly number[]): unknown[] => vector.map((x) => expect.closeTo(x, 5) as unknown);

describe('a vector', () => {
  it('is the mean of the states of the text and its special tokens, of length 1', () => withEmbedder({ modelFolder: plain }, async (embedder) => {
    expect(embedder).toMatchObject({ dimensions: HIDDEN_SIZE, maxTokens: MAX_TOKENS });
    const states = ['[CLS]', 'the', 'cat', '##s', '[UNK]', '[SEP]'].map(stateOf);
    const mean = Array.from({ length: HIDDEN_SIZE }, (_, i) => states.reduce((sum, state) => sum + (state[i] ?? 0), 0) / states.length);
    const [vector] = await embedder.embed(['The cats OmniNode']);
    expect(vector).toBeInstanceOf(Float32Array);
    expect([...(vector ?? [])]).toEqual(closeTo(unit(mean)));
  }));

  it('is the state of the first token, when that is asked for', () => withEmbedder({ modelFolder: plain, pooling: 'cls' }, async (embedder) => {
    const [vector] = await embedder.embed(['a dog']);
    expect([...(vector ?? [])]).toEqual(closeTo(unit(stateOf('[CLS]', 0))));
  }));

  it('depends on the order of words and not on the texts beside it', () => withEmbedder({}, async (embedder) => {
    const [, bites, bitten] = await embedder.embed(['the dog sees a shard of the model .', 'the dog bites the man', 'the man bites the dog']);
    const [alone] = await embedder.embed(['the dog bites the man']);
    expect(alone).toEqual(bites);
    expect(bitten).not.toEqual(bites);
    expect(await embedder.embed([])).toEqual([]);
  }));

  it('comes from quantised weights where there are no others', async () => {
    const quantised = join(folder, 'quantised');
    await writeEmbeddingModel({ folder: quantised, weightFile: 'onnx/model_quantized.onnx' });
    const texts = ['a shard of the model'];
    expect(await withEmbedder({ modelFolder: quantised }, (one) => one.embed(texts))).toEqual(await withEmbedder({}, (other) => other.embed(texts)));
  });

  it('is the same from a utility process, as under Electron', () => withEmbedder({ spawn: utilityChildren(utilityDouble()) }, async (far) => {
    expect(await far.embed(['a model'])).toEqual(await withEmbedder({}, (near) => near.embed(['a model'])));
  }));
});

describe('a text', () => {
  // [CLS] and [SEP] take two of the model's tokens.
  const fits = 'dog '.repeat(MAX_TOKENS - 2);

  it('that is too long is refused with its place and figures', () => withEmbedder({}, async (embedder) => {
    expect(await embedder.embed([fits])).toHaveLength(1);
    await expect(embedder.embed(['a', `${fits} cat`])).rejects.toMatchObject({ code: 'EMBED_TEXT_TOO_LONG', fault: 'user', meta: { index: 1, size: `${MAX_TOKENS + 1} tokens`, limit: `${MAX_TOKENS} tokens` } });
    await expect(embedder.embed(['x'.repeat(200_001)])).rejects.toMatchObject({ code: 'EMBED_TEXT_TOO_LONG', meta: { size: '200001 characters' } });
  }));

  it('that is too long is cut where that was asked for', () => withEmbedder({ tooLong: 'truncate' }, async (embedder) => {
    const [one, other, huge, short] = await embedder.embed([`${fits} dog cat`, `${fits} dog man`, 'dog '.repeat(60_000), 'dog']);
    expect(one).toEqual(other);
    expect(huge).toEqual(one);
    expect(short).not.toEqual(one);
  }));

  it('that is empty is refused, and so are too many', () => withEmbedder({}, async (embedder) => {
    await expect(embedder.embed(['a', ' \n'])).rejects.toMatchObject({ code: 'EMBED_EMPTY_TEXT', meta: { index: 1 } });
    await expect(embedder.embed(new Array<string>(10_001).fill('a'))).rejects.toMatchObject({ code: 'EMBED_TOO_MANY_TEXTS' });
  }));
});

describe('what cannot be loaded', () => {
  it.each(['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'])('is said when %s is missing', async (file) => {
    const spoilt = mkdtempSync(join(folder, 'missing-'));
    await cp(model, spoilt, { recursive: true });
    await rm(join(spoilt, file));
    await expect(load({ modelFolder: spoilt })).rejects.toMatchObject({ code: 'EMBED_MISSING_FILE', fault: 'user', meta: { folder: spoilt, file } });
  });

  it.each([
    ['onnx/model.onnx', 'no model'], ['onnx/model.onnx', ''], ['config.json', '{'], ['tokenizer.json', '{"model":{"type":"Nonsense"}}'],
  ])('is said when %s holds %j, and leaves no process', async (file, content) => {
    const spoilt = mkdtempSync(join(folder, 'spoilt-'));
    await cp(model, spoilt, { recursive: true });
    await writeFile(join(spoilt, file), content);
    const { spawn: start, child } = watched();
    await expect(load({ modelFolder: spoilt, spawn: start })).rejects.toMatchObject({ code: 'EMBED_NOT_EMBEDDING_MODEL', fault: 'user' });
    expect(child().exitCode).toBe(0);
  });

  it('is said for a model of another task', async () => {
    const classifier = join(folder, 'classifier');
    await writeEmbeddingModel({ folder: classifier, output: 'logits' });
    await expect(load({ modelFolder: classifier })).rejects.toMatchObject({ code: 'EMBED_NOT_EMBEDDING_MODEL', message: expect.stringContaining('logits') as string });
  });

  it('is said when the package is not installed', async () => {
    await expect(load({ runtimeFolder: folder })).rejects.toMatchObject({ code: 'EMBED_PACKAGE_MISSING', next: expect.stringContaining('setup:embeddings') as string });
  });

  it('is said when the process answers nonsense', async () => {
    const workerPath = join(folder, 'nonsense.mjs');
    await writeFile(workerPath, "process.on('message', ({ id }) => process.send({ id, ok: true, value: { dimensions: 'many' } }));");
    const { spawn: start, child } = watched();
    await expect(load({ workerPath, spawn: start })).rejects.toMatchObject({ code: 'EMBED_WORKER_GARBAGE' });
    expect(child().signalCode).toBe('SIGKILL');
  });
});

describe('a process', () => {
  const many = new Array<string>(2_000).fill('the dog sees the man .');

  it('frees its caller at once when it is cancelled, and goes on with the next call', () => withEmbedder({}, async (embedder) => {
    const cancelled = { code: 'EMBED_CANCELLED', cause: 'enough' };
    await expect(embedder.embed(many, { signal: AbortSignal.abort('enough') })).rejects.toMatchObject(cancelled);
    const controller = new AbortController();
    const call = embedder.embed(many, { signal: controller.signal });
    controller.abort('enough');
    await expect(call).rejects.toMatchObject(cancelled);
    expect(await embedder.embed(['a'])).toHaveLength(1);
  }));

  it('is ended when loading is cancelled', async () => {
    const { spawn: start, child } = watched();
    const controller = new AbortController();
    const loading = load({ signal: controller.signal, spawn: (path) => {
      queueMicrotask(() => controller.abort('enough'));
      return start(path);
    } });
    await expect(loading).rejects.toMatchObject({ code: 'EMBED_CANCELLED' });
    expect(child().exitCode ?? child().signalCode).not.toBeNull();
  });

  it('is a coded error to its callers when it dies', async () => {
    const { spawn: start, child } = watched();
    const embedder = await load({ spawn: start });
    const call = embedder.embed(many);
    child().kill('SIGKILL');
    await expect(call).rejects.toMatchObject({ code: 'EMBED_WORKER_LOST', retryable: true, message: expect.stringContaining('SIGKILL') as string });
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'EMBED_WORKER_LOST' });
    await embedder.dispose();
  });

  it('ends with its embedder, and so do calls in flight', async () => {
    const { spawn: start, child } = watched();
    const embedder = await load({ spawn: start });
    const call = embedder.embed(many);
    const ended = expect(call).rejects.toMatchObject({ code: 'EMBED_DISPOSED' });
    await embedder.dispose();
    await embedder.dispose();
    await ended;
    expect(child().exitCode).toBe(0);
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'EMBED_DISPOSED' });
  });

  it('goes on after messages that make no sense', async () => {
    const { spawn: start, child } = watched();
    await withEmbedder({ spawn: start }, async (embedder) => {
      const refusal = once(child().stderr ?? expect.fail('no stderr'), 'data');
      for (const garbage of ['nonsense', { id: 1_000, op: 'constructor', input: 0 }, { id: 1_001, op: 'embed', input: { text: 7 } }, { id: 1_002, op: 'load', input: {} }]) child().send(garbage);
      expect(String(await refusal)).toContain('refused');
      expect(await embedder.embed(['a'])).toHaveLength(1);
    });
  });

  it('dies with its parent, also when that is killed', async () => {
    const inference = join(import.meta.dirname, '../../src-main/inference/index.ts');
    expect(await outliveNobody(join(folder, 'parent.mts'), `import { createEmbedder } from ${JSON.stringify(inference)};
await createEmbedder(${JSON.stringify({ ...embedding, modelFolder: model })});`)).toBe('SIGKILL');
  });
});

describe('the installation', () => {
  it('has the binaries of this platform and no others', async () => {
    expect(await readdir(binariesFolder)).toEqual([process.platform]);
    expect(await readdir(join(binariesFolder, process.platform))).toEqual([process.arch]);
  });

  it('asks nothing of the network once it is there', async () => {
    await installEmbeddingRuntime({ npm_config_registry: 'http://127.0.0.1:1/', npm_config_offline: 'true', PATH: '' });
  });
});
