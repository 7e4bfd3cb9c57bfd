import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
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
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'get_weather', description: 'The weather at a place.', strict: true,
    parameters: { type: 'object', properties: { place: { type: 'string', maxLength: 12 }, unit: { enum: ['celsius', 'fahrenheit'] }, days: { type: 'integer' } }, required: ['place', 'unit', 'days'], additionalProperties: false },
  },
};
const TIME = { type: 'function' as const, function: { name: 'get_time' } };
const PERSON = {
  type: 'object', required: ['name', 'age', 'tags', 'home'], additionalProperties: false, $defs: { place: { type: 'object', properties: { city: { enum: ['Zürich', 'Bern'] }, next: { anyOf: [{ $ref: '#/$defs/place' }, { type: 'null' }] } }, required: ['city', 'next'] } },
  properties: { name: { type: 'string', minLength: 2, maxLength: 10 }, age: { type: 'integer' }, tags: { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 1, maxItems: 3 }, home: { $ref: '#/$defs/place' } },
};
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
    const schemaOf = (schema: object) => ({ response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } });
    expect(await refused(schemaOf({ type: 'string', pattern: '^a' }))).toEqual([400, 'unsupported_parameter', 'response_format.json_schema.schema', BAD]);
    expect(await refused(schemaOf({ type: 'text' }))).toEqual([400, 'invalid_value', 'response_format.json_schema.schema', BAD]);
    expect(await refused({ response_format: { type: 'xml' } })).toEqual([400, 'invalid_value', 'response_format.type', BAD]);
    // A rule that is nothing but itself: the last stage finds no token that fits.
    expect(await refused(schemaOf({ $ref: '#' }))).toEqual([400, 'invalid_value', null, BAD]);
    expect(await refused({ tools: [WEATHER, WEATHER] })).toEqual([400, 'invalid_value', 'tools', BAD]);
    expect(await refused({ tools: [{ type: 'function', function: { name: 'no name' } }] })).toEqual([400, 'invalid_value', 'tools[0].function.name', BAD]);
    expect(await refused({ tool_choice: 'required' })).toEqual([400, 'invalid_value', 'tool_choice', BAD]);
    expect(await refused({ tools: [WEATHER], tool_choice: { type: 'function', function: { name: 'other' } } })).toEqual([400, 'invalid_value', 'tool_choice', BAD]);
    expect(await refused({ tools: [WEATHER], logprobs: true })).toEqual([400, 'unsupported_parameter', 'logprobs', BAD]);
    expect(await refused({ functions: [{ name: 'f' }] })).toEqual([400, 'unsupported_parameter', 'functions', BAD]);
    expect(await refused({ messages: [{ role: 'tool', tool_call_id: 'call_1', content: '' }] })).toEqual([400, 'invalid_value', 'messages[0].tool_call_id', BAD]);
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

describe('an answer of a shape', () => {
  const format = { type: 'json_schema' as const, json_schema: { name: 'person', strict: true, schema: PERSON } };
  const isPerson = z.fromJSONSchema(PERSON as never);

  it('is JSON of its schema, greedy and drawn, the same for the same seed', async () => {
    const client = clientOf(await keyWith('chat'));
    for (const how of [{}, { temperature: 1, seed: 1 }, { temperature: 1.8, seed: 2 }, { temperature: 1.8, seed: 3, repetition_penalty: 1.3 }]) {
      const answer = async (): Promise<OpenAI.ChatCompletion.Choice | undefined> => (await client.chat.completions.create(ask('Describe a person.', { ...how, response_format: format, max_tokens: 600 }))).choices[0];
      const choice = await answer();
      expect(choice).toMatchObject({ finish_reason: 'stop', message: { refusal: null } });
      expect(isPerson.safeParse(JSON.parse(choice?.message.content ?? ''))).toMatchObject({ success: true });
      expect((await answer())?.message.content).toBe(choice?.message.content);
    }
  });

  it('computes in the next turn only what is new', async () => {
    const client = clientOf(await keyWith('chat'));
    const turn = (messages: OpenAI.ChatCompletionMessageParam[]) => client.chat.completions.create({ model: MODEL, messages, response_format: format, max_tokens: 600, temperature: 0 });
    const question = { role: 'user' as const, content: 'Describe a person.' };
    const first = await turn([question]);
    const again = [question, { role: 'assistant' as const, content: first.choices[0]?.message.content ?? '' }, { role: 'user' as const, content: 'And another one.' }];
    const second = await turn(again);
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(first.usage?.prompt_tokens ?? Infinity);
    expect(isPerson.safeParse(JSON.parse(second.choices[0]?.message.content ?? ''))).toMatchObject({ success: true });
    // What another question left there is no part of it.
    await turn([{ role: 'user', content: 'Describe nobody.' }]);
    expect((await turn(again)).choices[0]?.message.content).toBe(second.choices[0]?.message.content);
  });

  it('is any JSON object where that is all that was asked for', async () => {
    const client = clientOf(await keyWith('chat'));
    // Drawn wildly: a model that says what it knows by heart does not come to an end in JSON.
    const { choices: [choice] } = await client.chat.completions.create(ask('JSON, please.', { response_format: { type: 'json_object' }, temperature: 2, seed: 5, max_tokens: 300 }));
    expect(choice?.message.content).toMatch(/^\{/);
    if (choice?.finish_reason === 'stop') expect(JSON.parse(choice.message.content ?? '')).toBeTypeOf('object');
    expect(['stop', 'length']).toContain(choice?.finish_reason);
  });

  it('goes with other answers, each in its own shape', async () => {
    const client = clientOf(await keyWith('chat'));
    const schemaOf = (word: string) => ({ response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: { const: word } } } });
    const words = ['one', 'two', 'three', 'four', 'five'];
    const answers = await Promise.all(words.map((word) => client.chat.completions.create(ask(QUESTION, schemaOf(word)))));
    expect(answers.map(({ choices }) => JSON.parse(choices[0]?.message.content ?? ''))).toEqual(words);
    const plain = await Promise.all([1, 2].map(() => client.chat.completions.create(ask(QUESTION, { max_tokens: 20 }))));
    expect(plain[0]?.choices[0]?.message.content).toBe(plain[1]?.choices[0]?.message.content);
  });
});

describe('tools', () => {
  it('are called where they must be, at once and as a stream alike', async () => {
    const client = clientOf(await keyWith('chat'));
    const request = ask('How is the weather in Bern?', { tools: [WEATHER, TIME], tool_choice: { type: 'function', function: { name: 'get_weather' } }, temperature: 0.8, seed: 4, max_tokens: 300 });
    const { choices: [choice] } = await client.chat.completions.create(request);
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ id: expect.stringMatching(/^call_/), type: 'function', function: { name: 'get_weather' } }] } });
    const call = choice?.message.tool_calls?.[0];
    if (call?.type !== 'function') throw new Error('no call');
    expect(z.fromJSONSchema(WEATHER.function.parameters as never).safeParse(JSON.parse(call.function.arguments))).toMatchObject({ success: true });
    const stream = client.chat.completions.stream({ ...request, stream: true });
    let pieces = 0;
    for await (const { choices: [chunk] } of stream) pieces += chunk?.delta.tool_calls?.length ?? 0;
    const whole = (await stream.finalChatCompletion()).choices[0];
    expect(pieces).toBeGreaterThan(2);
    expect(whole).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ type: 'function', function: call.function }] } });
  });

  it('may be several, one, or none', async () => {
    const client = clientOf(await keyWith('chat'));
    const asked = async (more: object) => (await client.chat.completions.create(ask(QUESTION, { tools: [TIME, WEATHER], max_tokens: 400, ...more }))).choices[0];
    const required = await asked({ tool_choice: 'required', temperature: 1, seed: 11 });
    for (const call of required?.message.tool_calls ?? []) if (call.type === 'function') expect(JSON.parse(call.function.arguments)).toBeTypeOf('object');
    expect(required).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect((await asked({ tool_choice: 'required', parallel_tool_calls: false, temperature: 1, seed: 11 }))?.message.tool_calls).toHaveLength(1);
    const none = await asked({ tool_choice: 'none', max_tokens: 8 });
    expect([none?.message.tool_calls, none?.message.content]).toEqual([undefined, expect.stringMatching(/./)]);
    // The model inside knows no tools: left to itself it answers in words.
    expect((await asked({ max_tokens: 8 }))?.message).toMatchObject({ content: expect.stringMatching(/./) });
  });

  it('tell what they gave, and the answer goes on from there', async () => {
    const client = clientOf(await keyWith('chat'));
    const calls = [1, 2].map((day) => ({ id: `call_${day}`, type: 'function' as const, function: { name: 'get_weather', arguments: JSON.stringify({ place: 'Bern', unit: 'celsius', days: day }) } }));
    const messages = [
      { role: 'user' as const, content: 'And the weather?' }, { role: 'assistant' as const, content: null, tool_calls: calls },
      ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '12 degrees' })),
    ];
    const long = await client.chat.completions.create({ model: MODEL, messages, tools: [WEATHER], max_tokens: 5 });
    const short = await client.chat.completions.create({ model: MODEL, messages: messages.slice(0, 1), tools: [WEATHER], max_tokens: 5 });
    expect(long.choices[0]?.message.content).toMatch(/./);
    expect(long.usage!.prompt_tokens).toBeGreaterThan(short.usage!.prompt_tokens + 40);
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
