import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CodedError, silentLogger } from '../../base/index.ts';
import { NO_METRICS, ScriptedHost } from '../../../test/support/scripted-host.ts';
import { startHttpServer, type HttpServer } from '../http/server.ts';
import { makeKey } from '../keys/index.ts';
import type { CompletionPart, CompletionRequest, CompletionService } from './ports.ts';
import { chatReplySchema, modelListSchema } from './reply-schema.ts';
import { API_LIMITS } from './schema.ts';

/** A model whose answers a test writes. */
class ScriptedModel implements CompletionService {
  readonly model = { id: 'scripted', kind: 'chat', createdAtSeconds: 1 } as const;
  readonly requests: CompletionRequest[] = [];
  script: (request: CompletionRequest) => AsyncIterable<CompletionPart> = says('Hello');

  loading(): undefined {
    return undefined;
  }

  complete(request: CompletionRequest): AsyncIterable<CompletionPart> {
    this.requests.push(request);
    return this.script(request);
  }
}

const says = (...texts: readonly string[]) => async function* (): AsyncGenerator<CompletionPart> {
  yield { kind: 'accepted', promptTokens: 3 };
  yield { kind: 'begun', cachedTokens: 1 };
  for (const text of texts) yield { kind: 'token', text };
  yield { kind: 'done', text: '', finishReason: 'stop' };
};
const lost = new CodedError({ code: 'PIPELINE_STAGE_LOST', message: 'stage 1 is gone', fault: 'peer', retryable: true });
const FRIEND = 'https://chat.example';

const model = new ScriptedModel();
let folder: string;
let server: HttpServer;
let key: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-openai-http-'));
  await mkdir(join(folder, 'page'));
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><p>page');
  await writeFile(join(folder, 'secret.json'), '"secret"');
  key = (await makeKey(folder, { name: '', scopes: ['chat', 'models', 'admin'], perMinute: 100_000 })).text;
  server = await startHttpServer({
    host: Object.assign(new ScriptedHost(), { completions: model }), metrics: NO_METRICS, logger: silentLogger, renderer: join(folder, 'page'),
    options: { key: 'the-key-of-the-page', requestsPerSecond: 100_000, requestBurst: 100_000 }, access: { home: folder, origins: [FRIEND], maxAnswers: 2 },
  });
});
beforeEach(() => { model.script = says('Hello'); });
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const client = (): OpenAI => new OpenAI({ apiKey: key, baseURL: `${server.address}v1`, maxRetries: 0 });
const HI = { model: 'scripted', messages: [{ role: 'user' as const, content: 'Hi' }] };

interface Reply {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

async function call(path: string, { method = 'GET', headers = {}, body = '' }: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string | Buffer } = {}): Promise<Reply> {
  const all = { host: `127.0.0.1:${server.port}`, authorization: `Bearer ${key}`, ...(body.length === 0 ? {} : { 'content-type': 'application/json' }), ...headers };
  const sent = request({ host: '127.0.0.1', port: server.port, path, method, headers: all });
  // Who refuses a body need not read it.
  sent.on('error', () => undefined);
  sent.end(body);
  const [reply] = await once(sent, 'response');
  let text = '';
  for await (const bytes of reply) text += String(bytes);
  return { status: reply.statusCode, headers: reply.headers, body: text };
}
const codeOf = ({ status, body }: Reply): unknown[] => [status, JSON.parse(body).error.code];

describe('an answer', () => {
  it('has the shape that the document says', async () => {
    const reply = await call('/v1/chat/completions', { method: 'POST', body: JSON.stringify(HI) });
    expect(chatReplySchema.strict().parse(JSON.parse(reply.body))).toMatchObject({ choices: [{ message: { content: 'Hello' } }], usage: { prompt_tokens: 3, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 1 } } });
    expect(modelListSchema.strict().parse(JSON.parse((await call('/v1/models')).body)).data).toHaveLength(1);
  });

  it('asks the model for what the client said, and for nothing that it did not', async () => {
    await client().chat.completions.create({ ...HI, messages: [{ role: 'developer', content: [{ type: 'text', text: 'Be brief.' }, { type: 'text', text: 'Be kind.' }] }, ...HI.messages], seed: -1, top_p: 0.5, temperature: null, max_tokens: 9 });
    const { signal: _, ...asked } = model.requests.at(-1)!;
    expect(asked).toEqual({
      prompt: { kind: 'chat', messages: [{ role: 'system', content: 'Be brief.\nBe kind.' }, { role: 'user', content: 'Hi' }] }, sampling: { topP: 0.5, seed: 0xffff_ffff }, maxTokens: 9, topLogprobs: undefined,
    });
  });

  it('that fails on its way ends the stream with what happened', async () => {
    model.script = async function* () {
      yield { kind: 'accepted', promptTokens: 3 };
      yield { kind: 'token', text: 'Hel' };
      throw lost;
    };
    let text = '';
    const reading = (async () => {
      for await (const { choices } of await client().chat.completions.create({ ...HI, stream: true })) text += choices[0]?.delta.content ?? '';
    })();
    await expect(reading).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LOST' });
    expect(text).toBe('Hel');
    const { status, body } = await call('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ ...HI, stream: true }) });
    expect([status, body.includes('[DONE]')]).toEqual([200, false]);
    expect(body).toMatch(/\n\nevent: error\ndata: \{"error":\{"message":"stage 1 is gone","type":"server_error","param":null,"code":"PIPELINE_STAGE_LOST"\}\}\n\n$/);
    expect(codeOf(await call('/v1/chat/completions', { method: 'POST', body: JSON.stringify(HI) }))).toEqual([503, 'PIPELINE_STAGE_LOST']);
  });

  it('is computed no faster than it is read, and ends with its reader', async () => {
    const ended = Promise.withResolvers<boolean>();
    let pieces = 0;
    model.script = async function* ({ signal }) {
      try {
        yield { kind: 'accepted', promptTokens: 1 };
        for (;;) {
          yield { kind: 'token', text: 'x'.repeat(10_000) };
          pieces++;
        }
      } finally {
        ended.resolve(signal.aborted);
      }
    };
    const body = JSON.stringify({ ...HI, stream: true });
    const headers = { host: `127.0.0.1:${server.port}`, authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const sent = request({ host: '127.0.0.1', port: server.port, path: '/v1/chat/completions', method: 'POST', headers }).end(body);
    const [reply] = await once(sent, 'response');
    // Turns of the event loop: a stream that does not wait for its reader would go through as many pieces.
    for (let turn = 0; turn < 20_000; turn++) await new Promise(setImmediate);
    expect(pieces).toBeGreaterThan(0);
    expect(pieces).toBeLessThan(5_000);
    reply.destroy();
    expect(await ended.promise).toBe(true);
  });

  it('tells nothing of an unknown failure', async () => {
    model.script = async function* () {
      yield* [];
      throw new Error('a secret path');
    };
    const reply = await call('/v1/chat/completions', { method: 'POST', body: JSON.stringify(HI) });
    expect(codeOf(reply)).toEqual([500, 'API_INTERNAL']);
    expect(reply.body).not.toContain('secret');
  });

  it('has to wait where all places and the queue are taken, and no longer than that', async () => {
    const going = Promise.withResolvers<void>();
    model.script = async function* () {
      yield { kind: 'accepted', promptTokens: 1 };
      await going.promise;
      yield { kind: 'done', text: '', finishReason: 'stop' };
    };
    const streams = await Promise.all([1, 2].map(() => client().chat.completions.create({ ...HI, stream: true })));
    const error = await client().chat.completions.create(HI).then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof OpenAI.RateLimitError)) throw new Error('not refused', { cause: error });
    expect([error.code, Number(error.headers.get('retry-after'))]).toEqual(['queue_full', API_LIMITS.retryAfterSeconds]);
    going.resolve();
    for (const stream of streams) for await (const _ of stream) continue;
    model.script = says('again');
    expect((await client().chat.completions.create(HI)).choices[0]?.message.content).toBe('again');
  });
});

describe('who may ask', () => {
  it.each(['evil.example', '127.0.0.1:1', 'localhost'])('not under the re-pointed name %s', async (host) => {
    expect(codeOf(await call('/v1/models', { headers: { host } }))).toEqual([421, 'wrong_host']);
    expect((await call('/openapi.json', { headers: { host } })).status).toBe(421);
  });

  it.each(['https://evil.example', 'null', `${FRIEND}.evil.example`, `${FRIEND}:444`])('not a page of %s', async (origin) => {
    for (const method of ['GET', 'OPTIONS']) {
      const reply = await call('/v1/models', { method, headers: { origin } });
      expect(codeOf(reply)).toEqual([403, 'wrong_origin']);
      expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('a page that the owner named, with a key, and only the API', async () => {
    const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type,x-stainless-os' };
    const before = await call('/v1/chat/completions', { method: 'OPTIONS', headers: { origin: FRIEND, authorization: '', ...asked } });
    expect(before).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': FRIEND, 'access-control-allow-headers': asked['access-control-request-headers'] } });
    expect(before.headers['access-control-allow-credentials']).toBeUndefined();
    expect(await call('/v1/models', { headers: { origin: FRIEND } })).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': FRIEND, vary: 'origin' } });
    expect((await call('/v1/models', { headers: { origin: FRIEND, authorization: 'Bearer wrong' } })).status).toBe(401);
    for (const path of ['/metrics', '/session', '/']) expect((await call(path, { headers: { origin: FRIEND } })).status).toBe(403);
  });

  it('nobody with the key of the page, or with a key where it does not belong', async () => {
    for (const authorization of ['Bearer the-key-of-the-page', `Basic ${key}`, key, 'Bearer ', '']) expect((await call('/v1/models', { headers: { authorization } })).status).toBe(401);
    expect((await call(`/v1/models?api_key=${key}`, { headers: { authorization: '' } })).status).toBe(401);
    expect((await call('/metrics')).status).toBe(403);
  });
});

describe('tools', () => {
  const tools = [{ type: 'function', function: { name: 'say', parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } } }];
  const post = (more: object): Promise<Reply> => call('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: 'Hi' }], tools, ...more }), headers: { 'content-type': 'application/json' } });
  const CALLS = ['Wait.\n<tool', '_call>\n{"name": "say", "argu', 'ments": {"text": "}"}', '}\n</tool_call>\n<tool_call>\n{"name": "say", "arguments": {"text": ""}}\n</tool_call>'];

  it('come out of the text that the model gave, whole and in pieces', async () => {
    model.script = says(...CALLS);
    const reply = JSON.parse((await post({})).body);
    expect(chatReplySchema.safeParse(reply)).toMatchObject({ success: true });
    expect(reply.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Wait.', tool_calls: [{ function: { name: 'say', arguments: '{"text": "}"}' } }, { function: { name: 'say', arguments: '{"text": ""}' } }] } });
    const events = (await post({ stream: true })).body.split('\n\n').flatMap((event) => (event.startsWith('data: {') ? [JSON.parse(event.slice(6))] : []));
    const deltas = events.map(({ choices }) => choices[0].delta);
    expect(deltas[0]).toEqual({ role: 'assistant', content: null });
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe('Wait.');
    const calls = deltas.flatMap(({ tool_calls: some = [] }) => some);
    expect(calls.filter(({ id }) => id !== undefined).map(({ index, function: { name } }) => [index, name])).toEqual([[0, 'say'], [1, 'say']]);
    expect([0, 1].map((index) => calls.filter((one) => one.index === index).map(({ function: { arguments: text } }) => text).join(''))).toEqual(['{"text": "}"}', '{"text": ""}']);
    expect(events.at(-1).choices[0].finish_reason).toBe('tool_calls');
  });

  it('are told to the model, and what they gave as well', async () => {
    const calls = [{ id: 'a', type: 'function', function: { name: 'say', arguments: '{}' } }];
    await post({ messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', tool_calls: calls }, { role: 'tool', tool_call_id: 'a', content: 'done' }] });
    const request = model.requests.at(-1);
    expect(request?.grammar).toBeInstanceOf(Array);
    expect(request?.prompt).toMatchObject({ messages: [{ role: 'system', content: expect.stringContaining('"name":"say"') }, { role: 'user' }, { role: 'assistant', content: expect.stringContaining('<tool_call>') }, { role: 'user', content: '<tool_response>\ndone\n</tool_response>' }] });
  });

  it('that may not be called are words', async () => {
    model.script = says(...CALLS);
    const { choices: [choice] } = JSON.parse((await post({ tool_choice: 'none' })).body);
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: CALLS.join('') } });
    expect(model.requests.at(-1)?.grammar).toBeUndefined();
  });
});

describe('a request', () => {
  it('is bounded, and read only for who has a key', async () => {
    const body = Buffer.alloc(API_LIMITS.completionBodyBytes + 1, 0x20);
    expect(codeOf(await call('/v1/chat/completions', { method: 'POST', body }))).toEqual([413, 'request_too_large']);
    expect((await call('/v1/chat/completions', { method: 'POST', body, headers: { authorization: '' } })).status).toBe(401);
  });

  it.each(['', '{', '[]', 'null', '"text"', '{"__proto__":{}}', '{"model":"scripted"}', `{"model":"scripted","messages":${'['.repeat(100_000)}`])('that is none is refused in the right shape: %.40s', async (body) => {
    const reply = await call('/v1/chat/completions', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).error).toMatchObject({ type: 'invalid_request_error', message: expect.any(String) });
  });

  it.each(['/v1/../secret.json', '/v1/models/../../secret.json', '/v1/models/..%2f..%2fsecret.json', '/v1/%2e%2e/secret.json', '/v1/models/%00', '/api/v1/models/..%2fsecret.json/pin', '/v1', '/v1/nothing'])('does not get out of its place: %s', async (path) => {
    const reply = await call(path);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.body).not.toContain('"secret"');
  });
});

it('is described by a valid document', async () => {
  const { status, body } = await call('/openapi.json', { headers: { authorization: '' } });
  expect(status).toBe(200);
  const document = JSON.parse(body);
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  expect(document.openapi).toBe('3.1.0');
  for (const path of ['/v1/models', '/api/v1/node', '/api/v1/peers']) expect([path, (await call(path)).status]).toEqual([path, 200]);
  const asked = JSON.stringify(document.paths['/v1/chat/completions'].post.requestBody);
  for (const field of ['response_format', 'json_schema', 'tools', 'tool_choice', 'parallel_tool_calls', 'tool_call_id']) expect(asked).toContain(`"${field}"`);
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/v1/chat/completions', '/v1/embeddings', '/api/v1/downloads/{id}']));
});
