import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { systemClock, type Logger } from '../../base/index.ts';
import { needs } from '../http/needs.ts';
import type { KeyRing } from '../keys/index.ts';
import type { HostService } from '../ports.ts';
import { readAnswer, readCalls, type AnswerEvent } from './answer.ts';
import { errorReply } from './error-body.ts';
import { openaiErrors } from './errors.ts';
import { Gate } from './gate.ts';
import { parseBody } from './parse.ts';
import type { ChosenToken, CompletionService, EmbeddingService, ServedModel } from './ports.ts';
import { chatWriter, completionWriter, embeddingReply, modelReply, newCallId, type AnswerWriter, type WriterInit } from './replies.ts';
import { API_LIMITS, chatBodySchema, completionBodySchema, embeddingBodySchema } from './schema.ts';
import { eventText, textStream } from './sse.ts';
import { askedInChat, askedInCompletion, textsOf, type Asked } from './to-request.ts';

export interface OpenaiInit {
  readonly host: HostService;
  readonly keys: KeyRing;
  readonly logger: Logger;
  readonly maxAnswers?: number;
}

/** `/v1/...`, as OpenAI's clients ask. */
export function addOpenai(app: FastifyInstance, { host, keys, logger, maxAnswers = API_LIMITS.maxAnswers }: OpenaiInit): void {
  const served = (): ServedModel[] => [host.completions?.model, host.embeddings?.model].flatMap((model) => model ?? []);
  const [answers, embeddings] = [new Answers(host, logger, new Gate(maxAnswers)), new Gate(maxAnswers)];
  const [chat, models] = [needs(keys, 'chat'), needs(keys, 'models')];
  const completionLimits = { bodyLimit: API_LIMITS.completionBodyBytes, onRequest: chat };
  app.get('/v1/models', { onRequest: models }, () => ({ object: 'list', data: served().map(modelReply) }));
  app.get<{ Params: { readonly id: string } }>('/v1/models/:id', { onRequest: models }, ({ params }) => modelReply(modelOf(params.id, served())));
  app.post('/v1/chat/completions', completionLimits, (request, reply) => answers.give({ request, reply }, askedBy(request, chatBodySchema, askedInChat), chatWriter));
  app.post('/v1/completions', completionLimits, (request, reply) => answers.give({ request, reply }, askedBy(request, completionBodySchema, askedInCompletion), completionWriter));
  app.post('/v1/embeddings', { bodyLimit: API_LIMITS.embeddingBodyBytes, onRequest: needs(keys, 'embeddings') }, (request, reply) => embed({ request, reply }, host.embeddings, embeddings));
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

const askedBy = <S extends z.ZodType>({ body }: FastifyRequest, schema: S, understand: (body: z.output<S>) => Asked): Asked => understand(parseBody(schema, body));

function modelOf(id: string, served: readonly ServedModel[]): ServedModel {
  const model = served.find((one) => one.id === id);
  if (model === undefined) throw openaiErrors.unknownModel({ model: id.slice(0, 200), known: served.map((one) => one.id) });
  return model;
}

/** @throws API_UNKNOWN_MODEL, API_MODEL_LOADING */
function ready<S extends CompletionService | EmbeddingService>(service: S | undefined, model: string): S {
  if (service === undefined || service.model.id !== model) throw openaiErrors.unknownModel({ model: model.slice(0, 200), known: service === undefined ? [] : [service.model.id] });
  const loading = service.loading();
  if (loading !== undefined) throw openaiErrors.modelLoading({ model, detail: loading.detail, retryAfterSeconds: API_LIMITS.retryAfterSeconds });
  return service;
}

/** Aborts when the client goes before it has the whole answer. */
function clientSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

async function embed({ request, reply }: Exchange, service: EmbeddingService | undefined, gate: Gate): Promise<object> {
  const body = parseBody(embeddingBodySchema, request.body);
  const texts = textsOf(body);
  const embedder = ready(service, body.model);
  reply.raw.once('close', gate.enter());
  const result = await embedder.embed({ texts, signal: clientSignal(reply) });
  const dimensions = result.vectors[0]?.length ?? 0;
  if (typeof body.dimensions === 'number' && body.dimensions !== dimensions) throw openaiErrors.unsupportedField({ param: 'dimensions', reason: `the model gives ${dimensions}, and they are not cut` });
  return embeddingReply(body.model, result, body.encoding_format ?? 'float');
}

/** Answers of the two endpoints, whole or as a stream. */
class Answers {
  readonly #host: HostService;
  readonly #logger: Logger;
  readonly #gate: Gate;

  constructor(host: HostService, logger: Logger, gate: Gate) {
    this.#host = host;
    this.#logger = logger;
    this.#gate = gate;
  }

  async give({ reply }: Exchange, asked: Asked, writerOf: (init: WriterInit) => AnswerWriter): Promise<object> {
    const service = ready(this.#host.completions, asked.model);
    const leave = this.#gate.enter();
    // Whatever becomes of the reply, its end is the end of the answer.
    reply.raw.once('close', leave);
    const writer = writerOf({ model: service.model.id, createdAtSeconds: Math.floor(systemClock.now() / 1000), withUsage: asked.withUsage, hasTools: asked.hasTools });
    const answer = readAnswer(service.complete({ ...asked.request, signal: clientSignal(reply) }), asked.stops);
    const events = asked.hasTools ? readCalls(answer) : answer;
    const withChances = asked.request.topLogprobs !== undefined;
    if (!asked.isStream) return whole(events, writer, withChances);
    // A prompt that cannot be answered is refused with a status; what fails later ends the stream.
    await events.next();
    const texts = this.#texts(events, writer, { withChances, withUsage: asked.withUsage });
    return reply.header('content-type', 'text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(textStream(texts, API_LIMITS.keepAliveMs));
  }

  async *#texts(events: AsyncGenerator<AnswerEvent>, writer: AnswerWriter, { withChances, withUsage }: { readonly withChances: boolean; readonly withUsage: boolean }): AsyncGenerator<string> {
    try {
      for (const chunk of writer.first()) yield eventText(chunk);
      for await (const event of events) {
        if (event.kind === 'text') yield eventText(writer.piece(event.text, withChances ? event.chances : undefined));
        if (event.kind === 'call') yield eventText(writer.call(event.index, event.name));
        if (event.kind === 'arguments') yield eventText(writer.arguments(event.index, event.text));
        if (event.kind !== 'end') continue;
        yield eventText(writer.last(event.finishReason));
        if (withUsage) yield eventText(writer.usage(event.usage));
      }
      yield eventText('[DONE]');
    } catch (error) {
      yield eventText(errorReply(error, this.#logger).body, 'error');
    }
  }
}

async function whole(events: AsyncGenerator<AnswerEvent>, writer: AnswerWriter, withChances: boolean): Promise<object> {
  let text = '';
  const chances: ChosenToken[] = [];
  const calls: { readonly id: string; readonly name: string; arguments: string }[] = [];
  for await (const event of events) {
    if (event.kind === 'end') return writer.whole({ text, chances: withChances ? chances : undefined, calls }, event);
    if (event.kind === 'call') calls.push({ id: newCallId(), name: event.name, arguments: '' });
    const call = calls.at(-1);
    if (event.kind === 'arguments' && call !== undefined) call.arguments += event.text;
    if (event.kind !== 'text') continue;
    text += event.text;
    chances.push(...event.chances);
  }
  throw openaiErrors.answerEnded({});
}
