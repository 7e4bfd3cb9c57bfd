import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listKeys, makeKey, removeKey, type Scope } from '../../src-main/api/index.ts';
import { startHeadless, type HeadlessServer } from '../../src-main/headless/index.ts';
import { appPaths, buildHost, loadSettings, type Host } from '../../src-main/host/index.ts';
import { startCliSource } from '../support/cli.ts';
import { HIDDEN_SIZE, writeEmbeddingModel } from '../support/embedding-model/index.ts';
import { INSTALL_TIMEOUT_MS, installEmbeddingRuntime } from '../support/embedding-runtime.ts';

/** OpenAI's own client against the real host: the model inside, over two node processes. */
const MODEL = 'omni-guide';
const QUESTION = 'How does OmniNode split a model?';
const ask = (content: string, more: object = {}) => ({ model: MODEL, messages: [{ role: 'user' as const, content }], ...more });
/** What was said is ever likelier: it goes on until the context is full. */
const ENDLESS = ask('Tell a long story.', { repetition_penalty: 0.02 });
let folder: string;
let home: string;
let host: Host;
let server: HeadlessServer;
let base: string;

const keyWith = async (...scopes: readonly Scope[]): Promise<string> => (await makeKey(home, { name: 'a test', scopes, perMinute: 100_000 })).text;
const clientOf = (apiKey: string): OpenAI => new OpenAI({ apiKey, baseURL: `${base}v1`, maxRetries: 0, timeout: 110_000 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-openai-'));
  home = join(folder, 'home');
  await mkdir(join(folder, 'page'));
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><p>page');
  await installEmbeddingRuntime();
  await writeEmbeddingModel({ folder: join(folder, 'tiny-embed'), weightFile: 'onnx/model_quantized.onnx' });
  const settings = await loadSettings({ home, embeddingModel: join(folder, 'tiny-embed'), threads: 1, calibrate: false, contextTokens: 4096, shareStore: false, logLevel: 'silent' }, {});
  host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: 2 });
  server = await startHeadless({ host, settings, renderer: join(folder, 'page') });
  base = server.apiUrl.slice(0, -'v1'.length);
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('while the model loads', () => {
  it('says when to ask again, and what it is at', async () => {
    const error = await clientOf(await keyWith('chat')).chat.completions.create(ask(QUESTION)).then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof OpenAI.InternalServerError)) throw new Error('not refused', { cause: error });
    expect(error).toMatchObject({ status: 503, code: 'model_loading', type: 'server_error' });
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(error.message).toMatch(/the model omni-guide is being loaded: \w+/);
    await server.started;
  });
});

describe('chat', () => {
  it('answers at once and as a stream alike, with true counts', async () => {
    const client = clientOf(await keyWith('chat'));
    const { choices: [choice], usage, ...whole } = await client.chat.completions.create(ask(QUESTION, { seed: 7, max_completion_tokens: 40 }));
    expect(whole).toMatchObject({ object: 'chat.completion', model: MODEL });
    expect(choice).toMatchObject({ index: 0, message: { role: 'assistant', content: expect.stringMatching(/.{20}/) }, logprobs: null });
    expect(usage).toMatchObject({ prompt_tokens: expect.any(Number), total_tokens: usage!.prompt_tokens + usage!.completion_tokens });
    const stream = await client.chat.completions.create({ ...ask(QUESTION, { seed: 7, max_tokens: 40 }), stream: true, stream_options: { include_usage: true } });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(choice?.message.content);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe(choice?.finish_reason);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: usage!.completion_tokens, prompt_tokens: usage!.prompt_tokens } });
  });

  it('counts the tokens that it tells the chances of, and ends at its limit', async () => {
    const client = clientOf(await keyWith('chat'));
    const { choices: [choice], usage } = await client.chat.completions.create(ask(QUESTION, { max_tokens: 6, logprobs: true, top_logprobs: 2 }));
    const tokens = choice?.logprobs?.content ?? [];
    expect([choice?.finish_reason, usage?.completion_tokens, tokens.length]).toEqual(['length', 6, 6]);
    expect(Buffer.from(tokens.flatMap(({ bytes }) => bytes ?? [])).toString()).toBe(choice?.message.content);
    for (const { logprob, top_logprobs: top } of tokens) {
      expect(logprob).toBeLessThanOrEqual(0);
      // Greedy by default: what was taken is the likeliest.
      expect(top).toHaveLength(2);
      expect(top[0]?.logprob).toBe(logprob);
    }
  });

  it('ends before a stop text, over whatever tokens it comes', async () => {
    const client = clientOf(await keyWith('chat'));
    const full = (await client.chat.completions.create(ask(QUESTION, { max_tokens: 30 }))).choices[0]?.message.content ?? '';
    const stop = full.slice(9, 17);
    const { choices: [choice], usage } = await client.chat.completions.create(ask(QUESTION, { max_tokens: 30, stop: ['never to be found', stop] }));
    expect([choice?.message.content, choice?.finish_reason]).toEqual([full.slice(0, full.indexOf(stop)), 'stop']);
    expect(usage?.completion_tokens).toBeLessThan(30);
  });

  it('frees its place when the client goes, in a stream and before one', async () => {
    const client = clientOf(await keyWith('chat'));
    const before = await cancelled();
    const left = untilOver();
    for await (const { choices } of await client.chat.completions.create({ ...ENDLESS, stream: true })) if ((choices[0]?.delta.content ?? '') !== '') break;
    await left;
    const controller = new AbortController();
    const over = untilOver(() => controller.abort());
    await expect(client.chat.completions.create(ENDLESS, { signal: controller.signal })).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await over;
    expect(await cancelled()).toBe(before + 2);
    expect((await client.chat.completions.create(ask(QUESTION, { max_tokens: 3 }))).usage?.completion_tokens).toBe(3);
  });

  it('answers more at a time than there are places: who comes later waits', async () => {
    const client = clientOf(await keyWith('chat'));
    let mostWaiting = 0;
    const off = host.api.events.on('activity', ({ waiting }) => { mostWaiting = Math.max(mostWaiting, waiting); });
    const answers = await Promise.all(Array.from({ length: 14 }, (_, seed) => client.chat.completions.create(ask(QUESTION, { seed, max_tokens: 20 }))));
    off();
    // Greedy by default: the same answer to all.
    expect(new Set(answers.map(({ choices }) => choices[0]?.message.content)).size).toBe(1);
    expect(mostWaiting).toBeGreaterThan(0);
  });

  it('refuses what it cannot do, in the words of OpenAI', async () => {
    const client = clientOf(await keyWith('chat'));
    const refused = async (more: object): Promise<unknown[]> => {
      const error = await client.chat.completions.create(ask('Hi', more) as never).then(() => undefined, (reason: unknown) => reason);
      if (!(error instanceof OpenAI.APIError)) throw new Error('not refused', { cause: error });
      return [error.status, error.code, error.param, error.type];
    };
    const BAD = 'invalid_request_error';
    expect(await refused({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } } })).toEqual([400, 'unsupported_parameter', 'response_format', BAD]);
    expect(await refused({ tools: [{ type: 'function', function: { name: 'f' } }] })).toEqual([400, 'unsupported_parameter', 'tools', BAD]);
    expect(await refused({ n: 2 })).toEqual([400, 'unsupported_parameter', 'n', BAD]);
    expect(await refused({ temperature: 'hot' })).toEqual([400, 'invalid_value', 'temperature', BAD]);
    expect(await refused({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] })).toEqual([400, 'unsupported_parameter', 'messages[0].content[0].type', BAD]);
    expect(await refused({ messages: [] })).toEqual([400, 'invalid_value', 'messages', BAD]);
    expect(await refused({ model: 'gpt-x' })).toEqual([404, 'model_not_found', 'model', BAD]);
    expect(await refused({ messages: [{ role: 'user', content: 'word '.repeat(5_000) }] })).toEqual([400, 'context_length_exceeded', null, BAD]);
    expect(await refused({ stream: true, messages: [{ role: 'user', content: 'word '.repeat(5_000) }] })).toEqual([400, 'context_length_exceeded', null, BAD]);
    expect((await client.chat.completions.create(ask('Hi', { max_tokens: 2, tools: [], n: 1, response_format: { type: 'text' }, logit_bias: {}, user: 'me', anything: [1] }) as never)).usage?.completion_tokens).toBe(2);
  });
});

describe('completions', () => {
  it('goes on with a text', async () => {
    const client = clientOf(await keyWith('chat'));
    const whole = await client.completions.create({ model: MODEL, prompt: 'OmniNode splits a model', max_tokens: 8, temperature: 0 });
    expect(whole).toMatchObject({ object: 'text_completion', choices: [{ index: 0, finish_reason: 'length', logprobs: null }], usage: { completion_tokens: 8 } });
    let text = '';
    for await (const { choices } of await client.completions.create({ model: MODEL, prompt: ['OmniNode splits a model'], max_tokens: 8, temperature: 0, stream: true })) text += choices[0]?.text ?? '';
    expect(text).toBe(whole.choices[0]?.text);
    await expect(client.completions.create({ model: MODEL, prompt: [1, 2, 3] })).rejects.toMatchObject({ status: 400, param: 'prompt' });
  });
});

describe('embeddings', () => {
  it('turns texts into vectors, as soon as the model is there', async () => {
    // The client asks again after as long as it is told.
    const patient = new OpenAI({ apiKey: await keyWith('embeddings'), baseURL: `${base}v1`, maxRetries: 30 });
    const model = 'tiny-embed';
    const { data, usage } = await patient.embeddings.create({ model, input: ['the dog', 'a cat'] });
    expect(data.map(({ index, embedding }) => [index, embedding.length])).toEqual([[0, HIDDEN_SIZE], [1, HIDDEN_SIZE]]);
    for (const { embedding } of data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    // Both texts have two words, and the tokenizer adds two tokens to each.
    expect(usage).toEqual({ prompt_tokens: 8, total_tokens: 8 });
    const floats = await patient.embeddings.create({ model, input: 'the dog', encoding_format: 'float' });
    expect(floats.data[0]?.embedding).toEqual(data[0]?.embedding);
    const refused = (more: object) => patient.embeddings.create({ model, input: 'a', ...more } as never).then(() => undefined, ({ status, code, param }) => [status, code, param]);
    expect(await refused({ input: '' })).toEqual([400, 'invalid_value', 'input']);
    expect(await refused({ input: 'dog '.repeat(40) })).toEqual([400, 'context_length_exceeded', 'input']);
    expect(await refused({ input: [1, 2] })).toEqual([400, 'unsupported_parameter', 'input[0]']);
    expect(await refused({ dimensions: HIDDEN_SIZE + 1 })).toEqual([400, 'unsupported_parameter', 'dimensions']);
    expect(await refused({ model: MODEL })).toEqual([404, 'model_not_found', 'model']);
  });
});

describe('models', () => {
  it('lists what is served', async () => {
    const client = clientOf(await keyWith('models'));
    expect((await client.models.list()).data).toEqual([MODEL, 'tiny-embed'].map((id) => ({ id, object: 'model', created: expect.any(Number), owned_by: 'omninode' })));
    expect((await client.models.retrieve(MODEL)).id).toBe(MODEL);
    await expect(client.models.retrieve('none')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });
});

describe('keys', () => {
  it('open what their scopes say, until they are removed', async () => {
    const text = await keyWith('models');
    const client = clientOf(text);
    await expect(client.chat.completions.create(ask('Hi'))).rejects.toMatchObject({ status: 403, code: 'missing_scope' });
    expect((await client.models.list()).data).toHaveLength(2);
    const [, id = ''] = text.split('_');
    await removeKey(home, id);
    await expect(client.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('are asked for, and what is wrong opens nothing', async () => {
    const text = await keyWith('chat');
    for (const wrong of ['none', text.slice(0, -1), `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`, `${text}A`]) await expect(clientOf(wrong).chat.completions.create(ask('Hi'))).rejects.toMatchObject({ status: 401 });
    expect((await fetch(`${base}v1/models`)).status).toBe(401);
    // The page's key is for the page.
    expect((await fetch(`${base}v1/models`, { headers: { authorization: `Bearer ${new URL(server.url).hash.slice(5)}` } })).status).toBe(401);
  });

  it('are in no file, and the file is the owner’s', async () => {
    const text = await keyWith('chat');
    const kept = await readFile(join(home, 'api-keys.json'), 'utf8');
    expect(kept).not.toContain(text.split('_')[2]);
    expect(JSON.stringify(await listKeys(home))).not.toMatch(/hash|salt/);
    if (process.platform !== 'win32') expect((await stat(join(home, 'api-keys.json'))).mode & 0o777).toBe(0o600);
  });

  it('have a rate of their own', async () => {
    const { text } = await makeKey(home, { name: 'slow', scopes: ['models'], perMinute: 2 });
    const client = clientOf(text);
    await client.models.list();
    await client.models.list();
    const error = await client.models.list().then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof OpenAI.RateLimitError)) throw new Error('not refused', { cause: error });
    expect([error.code, error.headers.get('retry-after')]).toEqual(['rate_limit_exceeded', '30']);
    expect((await clientOf(await keyWith('models')).models.list()).data).toHaveLength(2);
  });
});

describe('the examples of docs/api.md', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'api.md'), 'utf8');
  const blocks = (language: string): string[] => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, code = '']) => code);
  const run = async (command: string, args: readonly string[]): Promise<string> => {
    const env = { ...process.env, OPENAI_API_KEY: await keyWith('chat', 'models', 'embeddings', 'admin'), OPENAI_BASE_URL: server.apiUrl };
    return (await promisify(execFile)(command, args, { env, cwd: join(import.meta.dirname, '..', '..') })).stdout;
  };

  it('make a key that is good', async () => {
    const [, ...args] = /omninode (key new .*?)(?: +#.*)?$/m.exec(page)?.[1]?.split(' ') ?? [];
    const { stdout, code } = await startCliSource(['key', ...args, '--json'], { OMNINODE_HOME: home }).done;
    expect(code).toBe(0);
    const { key, id } = JSON.parse(stdout);
    expect((await clientOf(key).models.list()).data).toHaveLength(2);
    expect(JSON.parse((await startCliSource(['key', 'rm', id, '--json'], { OMNINODE_HOME: home }).done).stdout).removed.id).toBe(id);
    await expect(clientOf(key).models.list()).rejects.toMatchObject({ status: 401 });
  });

  it.skipIf(spawnSync('curl', ['--version']).error !== undefined)('work with curl', async () => {
    const all = blocks('sh').filter((code) => code.includes('curl'));
    expect(all.length).toBeGreaterThan(2);
    for (const code of all) expect(await run('bash', ['-euo', 'pipefail', '-c', code])).not.toMatch(/"error"|^$/);
  });

  it('work with the client', async () => {
    const all = blocks('js');
    expect(all.length).toBeGreaterThan(0);
    for (const code of all) expect((await run(process.execPath, ['--input-type=module', '-e', code])).length).toBeGreaterThan(20);
  });
});

// Last: the host is gone after it.
it('a node that stops in the middle of an answer says so in the stream', async () => {
  const stream = await clientOf(await keyWith('chat')).chat.completions.create({ ...ENDLESS, stream: true });
  let stopping: Promise<unknown> | undefined;
  const reading = (async () => {
    for await (const { choices } of stream) if ((choices[0]?.delta.content ?? '') !== '') stopping ??= host.stop();
  })();
  await expect(reading).rejects.toMatchObject({ code: 'API_ANSWER_ENDED' });
  await stopping;
});

/** Resolves when an answer was under way, and none is any more. */
async function untilOver(onBegun: () => void = () => undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasBegun = false;
  const off = host.api.events.on('activity', ({ answering, waiting }) => {
    if (answering + waiting === 0 && hasBegun) resolve();
    if (answering + waiting === 0 || hasBegun) return;
    hasBegun = true;
    onBegun();
  });
  await promise.finally(off);
}

/** Answers that the pipeline gave up, since the start. */
const cancelled = async (): Promise<number> => Number(/generations_total\{reason="cancelled"\} (\d+)/.exec(await host.metrics.text())?.[1] ?? 0);
