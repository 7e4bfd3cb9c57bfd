import { isCoded, systemClock, toCoded, type CodedError } from '../base/index.ts';
import type { ChosenToken, CompletionPart, CompletionRequest, CompletionService, Loading, ServedModel, TokenChance } from '../api/index.ts';
import type { Tokenizer } from '../inference/index.ts';
import type { GeneratedToken, Generation } from '../pipeline/index.ts';
import type { ChatModel } from './chat-model.ts';
import { hostErrors } from './errors.ts';
import { defaultSampling } from './sampling.ts';
import type { ModelSession } from './session.ts';
import { promptTokens, TextStream } from './text-stream.ts';

export interface CompletionModelInit {
  readonly chat: ChatModel;
}

/** The app's model for programs: the same nodes, sessions and queue as its chats. */
export class CompletionModel implements CompletionService {
  readonly #chat: ChatModel;
  #model: ServedModel | undefined;

  constructor({ chat }: CompletionModelInit) {
    this.#chat = chat;
  }

  /** The one that answers now. */
  get model(): ServedModel {
    const { id } = this.#chat.served;
    if (this.#model?.id !== id) this.#model = { id, kind: 'chat', createdAtSeconds: Math.floor(systemClock.now() / 1000) };
    return this.#model;
  }

  /** A model that failed to load, or was lost, is tried again by the next request. */
  loading(): Loading | undefined {
    const { status, loadingDetail } = this.#chat;
    return status.kind === 'starting' || status.kind === 'loading' ? { detail: loadingDetail } : undefined;
  }

  async *complete(request: CompletionRequest): AsyncGenerator<CompletionPart> {
    const { session, moved, leave, signal } = await this.#chat.enter({ prompt: request.prompt, maxTokens: request.maxTokens ?? Number.MAX_SAFE_INTEGER, signal: request.signal }).catch((error: unknown) => Promise.reject(notServed(this.model.id, error)));
    try {
      for await (const part of this.#answer(session, { ...request, signal: AbortSignal.any([request.signal, signal]) })) {
        moved();
        yield part;
      }
    } catch (error) {
      // The node stops, its vocabulary first: the answer has no end then.
      if (!isCoded(error, 'ENGINE_DISPOSED')) throw error;
    } finally {
      leave();
    }
  }

  async *#answer({ pipeline, tokenizer }: ModelSession, request: CompletionRequest): AsyncGenerator<CompletionPart> {
    const { maxTokens = pipeline.contextTokens, topLogprobs, signal } = request;
    const prompt = await promptTokens(tokenizer, request.prompt);
    // The chosen token's own chance comes with those of the likeliest only.
    const sampling = { ...defaultSampling(this.#chat.served.model), ...request.sampling, topLogprobs: topLogprobs === undefined ? 0 : Math.max(1, topLogprobs) };
    const shape = request.grammar === undefined ? {} : { shape: { grammar: request.grammar, spelling: await tokenizer.spelling() } };
    const generation = pipeline.generate({ promptTokens: prompt, sampling, anySeed: request.sampling.seed === undefined, maxTokens, signal, endTokens: tokenizer.endTokens, ...shape });
    try {
      // A prompt that is refused was refused by now.
      await Promise.race([generation.result, Promise.resolve()]);
      yield { kind: 'accepted', promptTokens: prompt.length };
      yield* partsOf(generation, { tokenizer, topLogprobs });
    } finally {
      await generation[Symbol.asyncIterator]().return?.();
    }
  }
}

/** What is wrong with a model is no fault of who asks it. */
export function notServed(model: string, error: unknown): CodedError {
  const { code, message } = toCoded(error);
  return hostErrors.modelNotServed({ model, code, reason: message }, error);
}

async function* partsOf(generation: Generation, { tokenizer, topLogprobs }: { readonly tokenizer: Tokenizer; readonly topLogprobs: number | undefined }): AsyncGenerator<CompletionPart> {
  const stream = new TextStream(tokenizer);
  let hasBegun = false;
  for await (const generated of generation) {
    if (!hasBegun) yield { kind: 'begun', cachedTokens: generation.reusedTokens };
    hasBegun = true;
    const text = await stream.push(generated.token);
    yield { kind: 'token', text, ...(topLogprobs === undefined ? {} : { chance: await chosenOf(generated, { tokenizer, topLogprobs }) }) };
  }
  const { finishReason } = await generation.result;
  if (!hasBegun) yield { kind: 'begun', cachedTokens: generation.reusedTokens };
  yield { kind: 'done', text: stream.end(), finishReason };
}

async function chosenOf({ token, logprob, top }: GeneratedToken, { tokenizer, topLogprobs }: { readonly tokenizer: Tokenizer; readonly topLogprobs: number }): Promise<ChosenToken> {
  const chanceOf = async (one: GeneratedToken['top'][number]): Promise<TokenChance> => ({ bytes: await tokenizer.tokenBytes(one.token, true), logprob: one.logprob });
  const [own, ...likeliest] = await Promise.all([chanceOf({ token, logprob }), ...top.slice(0, topLogprobs).map(chanceOf)]);
  return { bytes: own?.bytes ?? new Uint8Array(), logprob, top: likeliest };
}
