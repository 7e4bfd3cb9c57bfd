import type { ChatPart, ChatRequest } from '../../api/index.ts';
import type { BoundedQueue } from '../../base/index.ts';
import { fitHistory } from '../fit-history.ts';
import { defaultSampling } from '../sampling.ts';
import type { Answer } from '../session.ts';
import type { Running } from './types.ts';

export const DEFAULT_MAX_TOKENS = 512;

export interface WriteInit {
  /** Hears each part, too; what it is told besides comes between them. */
  readonly parts: BoundedQueue<ChatPart>;
  /** As the configuration names it. */
  readonly served: string;
  /** As it names itself. */
  readonly model: string | undefined;
  /** Aborted when the answer has to end. */
  readonly signal: AbortSignal;
  readonly onMoved: () => void;
}

/** The answer to a chat, in parts. */
export async function* writeAnswer({ session, route: { paid } }: Running, request: ChatRequest, { parts, served, model, signal, onMoved }: WriteInit): AsyncIterable<ChatPart> {
  const { maxTokens = DEFAULT_MAX_TOKENS } = request;
  const messages = await fitHistory(session.tokenizer, request.messages, { contextTokens: session.pipeline.contextTokens, maxTokens });
  let isWaiting = false;
  const answer = session.answer({
    prompt: { kind: 'chat', messages }, sampling: { ...defaultSampling(served), ...request.sampling }, anySeed: request.sampling?.seed === undefined,
    maxTokens, signal: AbortSignal.any([request.signal, signal]), onText: (text) => {
      if (isWaiting) parts.push({ progress: { kind: 'answering' } });
      isWaiting = false;
      parts.push({ text });
      onMoved();
    },
    onWait: (ahead) => {
      isWaiting = true;
      parts.push({ progress: { kind: 'waiting', ahead } });
      onMoved();
    },
  });
  const finished = answer.then((report) => {
    parts.push(lastPart(report, { model, paid }));
    parts.end();
  }).catch((error: unknown) => parts.end(error));
  try {
    yield* parts;
  } finally {
    await finished;
  }
}

function lastPart({ finishReason, tokenIds, stats, stages }: Answer, { model, paid }: { readonly model: string | undefined; readonly paid: Running['route']['paid'] | undefined }): ChatPart {
  return { done: {
    finishReason, tokens: tokenIds.length, ...(model === undefined ? {} : { model }), ...(paid === undefined ? {} : { paid: { soFar: `${paid.amount}` } }), ...(stats.ttftMs === undefined ? {} : { ttftMs: stats.ttftMs }),
    ...(stats.tokensPerSecond === undefined ? {} : { tokensPerSecond: stats.tokensPerSecond }),
    stages: stages.flatMap(({ peerId, layers, bytesLoaded, msPerToken }) => (msPerToken === null ? [] : [{ peerId, layers, bytesLoaded, msPerToken }])),
  }, ...(paid === undefined ? {} : { paidSession: paid.id }) };
}
