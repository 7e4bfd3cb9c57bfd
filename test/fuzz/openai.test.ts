import fc from 'fast-check';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeKey, startHttpServer, type CompletionRequest } from '../../src-main/api/index.ts';
import { parseBody } from '../../src-main/api/openai/parse.ts';
import { API_LIMITS, chatBodySchema, completionBodySchema, embeddingBodySchema } from '../../src-main/api/openai/schema.ts';
import { askedInChat, askedInCompletion, textsOf, type Asked } from '../../src-main/api/openai/to-request.ts';
import { isCoded, silentLogger } from '../../src-main/base/index.ts';
import { grammarSchema } from '../../src-main/inference/index.ts';
import { compileGrammar } from '../../src-main/inference/worker/compile-grammar.ts';
import { NO_METRICS, ScriptedHost } from '../support/scripted-host.ts';
import { casesOf } from './cases.ts';

const RUNS = casesOf(5_000);
/** Each of them costs an exchange over HTTP. */
const EXCHANGES = Math.min(casesOf(500), 50_000);
const SEED = 20_26;

const odd = fc.oneof(
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) }, { weight: 1, arbitrary: fc.constantFrom<unknown>(null, -1, 0, 1e308, Number.MAX_SAFE_INTEGER + 1, '', '\ud800', '__proto__', [], {}, [[]], true) },
);
/** Mostly what is right, sometimes anything. */
const maybe = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> => fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: odd });
const optional = (fields: Record<string, fc.Arbitrary<unknown>>, required: readonly string[] = []): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, maybe(value)])), { requiredKeys: [...required] });

const shared = {
  model: fc.constant('scripted'), temperature: fc.double({ min: 0, max: 2, noNaN: true }), top_p: fc.double({ min: 0, max: 1, noNaN: true }), seed: fc.integer(), top_k: fc.nat(100),
  n: fc.constantFrom(1, 1, 1, 2), stop: fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 5 })),
  stream: fc.constantFrom(true, true, false), stream_options: fc.constantFrom(null, null, { include_usage: true }), max_tokens: fc.integer({ min: 1, max: 100 }), logit_bias: fc.constant({}), frequency_penalty: fc.constant(0),
};
/** Mostly schemas; names that are JavaScript's own, and references that lead nowhere or round. */
const { schema } = fc.letrec<{ schema: unknown; node: unknown }>((tie) => ({
  schema: fc.oneof({ weight: 12, arbitrary: tie('node') }, { weight: 1, arbitrary: odd }),
  node: fc.oneof({ maxDepth: 3 },
    fc.record({ type: fc.constantFrom<unknown>('string', 'number', 'integer', 'boolean', 'null', ['string', 'null'], 'text'), maxLength: fc.integer({ min: -1, max: 50 }), description: fc.string() }, { requiredKeys: ['type'] }),
    fc.record({ enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 4 }) }), fc.record({ const: fc.jsonValue({ maxDepth: 1 }) }),
    fc.record({ $ref: fc.constantFrom('#', '#/$defs/a', '#/properties/__proto__', '#/%zz', '#/$defs', 'x') }), fc.record({ pattern: fc.string() }),
    fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(3), maxItems: fc.nat(9) }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor', 'é"'), tie('schema')), required: fc.subarray(['a', 'b', '__proto__', 'c']), additionalProperties: fc.oneof(fc.boolean(), tie('schema')), $defs: fc.record({ a: tie('schema') }) }, { requiredKeys: ['type'] }),
    fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 3 }) }), fc.record({ oneOf: fc.array(tie('schema'), { maxLength: 3 }) }), fc.record({ allOf: fc.array(tie('schema'), { maxLength: 2 }) })),
}));
const responseFormat = fc.oneof(fc.constantFrom({ type: 'text' }, { type: 'json_object' }, { type: 'xml' }), fc.record({ type: fc.constant('json_schema'), json_schema: optional({ name: fc.string(), schema, strict: fc.boolean() }) }));
const named = fc.constantFrom('say', 'ask', 'a-b_1', 'no name');
const tools = fc.array(optional({ type: fc.constant('function'), function: optional({ name: named, description: fc.string(), parameters: schema, strict: fc.boolean() }, ['name']) }, ['type', 'function']), { maxLength: 3 });
const toolChoice = fc.oneof(fc.constantFrom('none', 'auto', 'required', 'any'), fc.record({ type: fc.constant('function'), function: fc.record({ name: named }) }));
const toolCalls = fc.array(optional({ id: fc.constantFrom('1', '2'), type: fc.constant('function'), function: optional({ name: named, arguments: fc.string() }, ['name', 'arguments']) }, ['id', 'type', 'function']), { maxLength: 2 });

const message = optional({
  tool_call_id: fc.constantFrom('1', '2'), tool_calls: toolCalls,
  role: fc.constantFrom('system', 'user', 'user', 'assistant', 'developer', 'tool'),
  content: fc.oneof(fc.string(), fc.array(optional({ type: fc.constantFrom('text', 'text', 'text', 'image_url'), text: fc.string() }), { maxLength: 3 })),
}, ['role', 'content']);
const chatBody = optional({
  ...shared, messages: fc.array(message, { minLength: 1, maxLength: 3 }), logprobs: fc.boolean(), top_logprobs: fc.nat(20), tools, tool_choice: toolChoice, parallel_tool_calls: fc.boolean(), response_format: responseFormat,
}, ['model', 'messages']);
const completionBody = optional({ ...shared, prompt: fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 2 })), echo: fc.constant(false) }, ['model', 'prompt']);
const embeddingBody = optional({ model: fc.constant('scripted'), input: fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 })), encoding_format: fc.constantFrom('float', 'base64') }, ['model', 'input']);
const bodies = [chatBody, completionBody, embeddingBody];
/** Where it is sent, and what: mostly what belongs there. */
const sending = fc.nat(2).chain((which) => fc.tuple(fc.constant(which), fc.oneof({ weight: 12, arbitrary: bodies[which] ?? odd }, { weight: 2, arbitrary: fc.oneof(...bodies) }, { weight: 1, arbitrary: odd })));

const REFUSALS = ['API_INVALID_FIELD', 'API_UNSUPPORTED_FIELD'];

/** What is understood is within its limits: the model gets nothing else. */
function check({ request, stops, model }: Asked): void {
  const { prompt, sampling, maxTokens, topLogprobs, grammar } = request;
  // As the last stage reads it.
  if (grammar !== undefined) expect(grammarSchema.safeParse(grammar).success && compileGrammar(grammar).length > 0).toBe(true);
  expect(typeof model).toBe('string');
  expect(stops.length).toBeLessThanOrEqual(API_LIMITS.maxStops);
  for (const stop of stops) expect(stop.length).toBeGreaterThan(0);
  if (prompt.kind === 'chat') for (const { role, content } of prompt.messages) expect([['system', 'user', 'assistant'].includes(role), typeof content]).toEqual([true, 'string']);
  else expect(typeof prompt.text).toBe('string');
  for (const value of Object.values(sampling)) expect(Number.isFinite(value)).toBe(true);
  if (sampling.seed !== undefined) expect(sampling.seed).toBe(sampling.seed >>> 0);
  if (maxTokens !== undefined) expect(Number.isInteger(maxTokens) && maxTokens > 0).toBe(true);
  if (topLogprobs !== undefined) expect(topLogprobs >= 0 && topLogprobs <= API_LIMITS.maxTopLogprobs).toBe(true);
}

it(`understands of ${RUNS} bodies only sound ones, and refuses the others with a code and a field`, () => {
  const readers = [
    (given: unknown) => check(askedInChat(parseBody(chatBodySchema, given))),
    (given: unknown) => check(askedInCompletion(parseBody(completionBodySchema, given))),
    (given: unknown) => { for (const text of textsOf(parseBody(embeddingBodySchema, given))) expect(typeof text).toBe('string'); },
  ];
  const counts = { understood: 0, refused: 0 };
  fc.assert(fc.property(sending, ([which, given]) => {
    // As it comes off the line.
    const parsed: unknown = JSON.parse(JSON.stringify(given));
    try {
      readers[which]?.(parsed);
      counts.understood++;
    } catch (error) {
      if (!isCoded(error) || !REFUSALS.includes(error.code) || error.fault !== 'user') throw error;
      expect(error.message.length).toBeLessThan(1_000);
      counts.refused++;
    }
  }), { numRuns: RUNS, seed: SEED });
  expect(counts.understood).toBeGreaterThan(RUNS / 10);
  expect(counts.refused).toBeGreaterThan(RUNS / 10);
});

it(`answers ${EXCHANGES} requests with an answer or OpenAI's error, and still works`, async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-openai-fuzz-'));
  await mkdir(join(home, 'page'));
  await writeFile(join(home, 'page', 'index.html'), '<!doctype html>');
  const { text: key } = await makeKey(home, { name: '', scopes: ['chat', 'embeddings', 'models'], perMinute: 100_000 });
  const completions = {
    model: { id: 'scripted', kind: 'chat' as const, createdAtSeconds: 1 }, loading: () => undefined,
    async *complete({ topLogprobs }: CompletionRequest) {
      yield { kind: 'accepted' as const, promptTokens: 1 };
      const chance = { bytes: Buffer.from('é'), logprob: -0.5 };
      for (const text of ['Hé', 'llo']) yield { kind: 'token' as const, text, ...(topLogprobs === undefined ? {} : { chance: { ...chance, top: [chance] } }) };
      yield { kind: 'done' as const, text: '', finishReason: 'stop' as const };
    },
  };
  const server = await startHttpServer({
    host: Object.assign(new ScriptedHost(), { completions }), metrics: NO_METRICS, logger: silentLogger, renderer: join(home, 'page'),
    options: { key: 'the-key-of-the-page', requestsPerSecond: 1e9, requestBurst: 1e9 }, access: { home },
  });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const post = (path: string, sent: string): Promise<Response> => fetch(`${server.address}v1/${path}`, { method: 'POST', headers, body: sent });
  try {
    const statuses = new Map<number, number>();
    const texts = fc.oneof({ weight: 12, arbitrary: sending.map(([which, given]) => [which, JSON.stringify(given)] as const) }, { weight: 1, arbitrary: fc.tuple(fc.nat(2), fc.string()) });
    for (const [which, sent] of fc.sample(texts, { numRuns: EXCHANGES, seed: SEED })) {
      const reply = await post(['chat/completions', 'completions', 'embeddings'][which] ?? '', sent);
      const told = await reply.text();
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      if (reply.status !== 200) expect(JSON.parse(told)).toEqual({ error: { message: expect.any(String), type: expect.any(String), param: expect.toSatisfy((param) => param === null || typeof param === 'string'), code: expect.any(String) } });
      // The key may ask 100,000 times a minute: 429 is right, too.
      expect([200, 400, 404, 429]).toContain(reply.status);
    }
    expect(statuses.get(200)).toBeGreaterThan(EXCHANGES / 20);
    expect(statuses.get(400)).toBeGreaterThan(EXCHANGES / 10);
    expect((await post('chat/completions', JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: 'Hi' }] }))).status).toBe(200);
  } finally {
    await server.stop();
    await rm(home, { recursive: true });
  }
});
