import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { silentLogger } from '../../src-main/base/index.ts';
import type { AnswerRequest } from '../../src-main/chats/index.ts';
import { modelReader } from '../../src-main/host/attachments/index.ts';
import { EmbeddingModel } from '../../src-main/host/embedding-model.ts';
import { appPaths, loadSettings } from '../../src-main/host/index.ts';
import { openChats } from '../../src-main/host/open-chats.ts';
import { shardForCluster } from '../../src-main/host/sharded-model.ts';
import { createWorkerTokenizer, findLibraries, type Tokenizer } from '../../src-main/inference/index.ts';
import { writeEmbeddingModel } from '../support/embedding-model/index.ts';
import { embedding, INSTALL_TIMEOUT_MS, installEmbeddingRuntime } from '../support/embedding-runtime.ts';
import { FINISH } from '../support/scripted-host.ts';

/** Passages of attached files, ranked by the real transformers.js and ONNX Runtime in their process, counted by the tokenizer of the model inside. */
const home = mkdtempSync(join(tmpdir(), 'omninode-ranking-'));
const signal = new AbortController().signal;
const CONTEXT = 768;
let missing: string | undefined;
let embeddings: EmbeddingModel;
let tokenizer: Tokenizer;

beforeAll(async () => {
  const why = await installEmbeddingRuntime().then(() => undefined, (error: unknown) => String(error));
  if (!existsSync(join(embedding.runtimeFolder, 'node_modules', '@huggingface', 'transformers'))) missing = `what embeddings run on is not installed (npm run setup:embeddings): ${why?.slice(-300) ?? ''}`;
  if (missing !== undefined) return;
  const folder = join(home, 'tiny');
  // Without blocks a vector is the mean of a text's words and their places: what is near to what is known beforehand.
  await writeEmbeddingModel({ folder, blocks: 0 });
  const [paths, { config }] = [appPaths(), await loadSettings({ home, threads: 1, logLevel: 'silent' }, {})];
  embeddings = new EmbeddingModel({ folder, threads: 1, home, paths, logger: silentLogger });
  const { vocabularyPath } = await shardForCluster(config, { nodes: 1, paths });
  tokenizer = await createWorkerTokenizer({ path: vocabularyPath }, { workerPath: paths.stageWorker, nativePath: paths.nativeAddon, librariesFolder: findLibraries() });
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  if (missing === undefined) await Promise.all([embeddings.stop(), tokenizer.dispose()]);
  await rm(home, { recursive: true, force: true });
});

const needRuntime = ({ skip }: TestContext): void => { if (missing !== undefined) skip(missing); };
const reader = () => modelReader({ modelId: () => 'inside', contextTokens: () => CONTEXT, tokenizer: () => Promise.resolve(tokenizer), embeddings });
const cosine = async (a: string, b: string): Promise<number> => {
  const { vectors: [x, y] } = await embeddings.embed({ texts: [a, b], signal });
  return Array.from(x ?? []).reduce((sum, value, i) => sum + value * (y?.[i] ?? 0), 0);
};

const QUESTION = 'the man bites the dog';
const FILLER = 'a cat sees a shard of a model . ';
const WANTED = `${QUESTION} . `;

describe('passages of attached files', () => {
  it('are ranked by the cosine of their vectors, of texts that the model finds too long by their best part', async (context) => {
    needRuntime(context);
    const passages = [FILLER, QUESTION, 'the dog bites the man', `${FILLER.repeat(3)}${WANTED}`];
    const scores = await reader().rank?.(QUESTION, passages.slice(0, 3), signal) ?? [];
    for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(await cosine(QUESTION, passages[i] ?? ''), 5);
    expect(scores[1]).toBeCloseTo(1, 5);
    expect(scores[2]).toBeGreaterThan(scores[0] ?? Infinity);
    const long = await reader().rank?.(QUESTION, [FILLER.repeat(4), passages[3] ?? ''], signal) ?? [];
    expect(long[1]).toBeGreaterThan(long[0] ?? Infinity);
  });

  it('go to the model where they fit the question best, and the answer says how many', async (context) => {
    needRuntime(context);
    const requests: AnswerRequest[] = [];
    const answerer = { async *chat(request: AnswerRequest) {
      requests.push(request);
      yield { text: 'yes' };
      yield { done: FINISH };
    } };
    const chats = openChats({ home, answerer, reader: reader(), logger: silentLogger, contextTokens: () => CONTEXT });
    if (chats === undefined) throw new TypeError('no conversations');
    const paragraphs = Array.from({ length: 40 }, (_, i) => (i === 17 ? WANTED : FILLER).repeat(i === 17 ? 10 : 7).trim());
    const text = paragraphs.join('\n\n');
    const { id: file } = chats.addAttachment({ name: 'book.txt', kind: 'text', sizeBytes: text.length, text });
    const { id } = chats.create();
    const over = chats.events.once('done');
    chats.send({ id, text: QUESTION, attachments: [file] });
    await over;
    const content = requests[0]?.messages.at(-1)?.content ?? '';
    expect(content).toContain('Parts of the file "book.txt"');
    expect(content).toContain(WANTED.repeat(3).trim());
    expect(await reader().count(content)).toBeLessThan(CONTEXT);
    const [reading] = chats.open({ id, limit: 60 }).messages[1]?.finish?.readings ?? [];
    expect(reading).toMatchObject({ name: 'book.txt' });
    expect(reading?.passages).toBeGreaterThan(0);
    expect(reading?.passages).toBeLessThan(reading?.of ?? 0);
    await chats.close();
  });
});
