import { defineErrors, spec } from '../../base/index.ts';

/** What a client did wrong, or has to wait for; `error-body.ts` gives them OpenAI's shape. */
export const openaiErrors = defineErrors('API', {
  invalidField: spec<{ param: string | null; reason: string }>({ fault: 'user', message: (m) => (m.param === null ? m.reason : `${m.param}: ${m.reason}`), next: 'Correct that field.' }),
  unsupportedField: spec<{ param: string; reason: string }>({ fault: 'user', message: (m) => `${m.param} is not supported by this node: ${m.reason}`, next: 'Leave that field out.' }),
  unknownModel: spec<{ model: string; known: readonly string[] }>({
    fault: 'user', message: (m) => `the model "${m.model}" is not served here; ${m.known.length === 0 ? 'this node serves none for that' : `this node serves ${m.known.join(', ')}`}`,
    next: 'Ask GET /v1/models what there is.',
  }),
  modelLoading: spec<{ model: string; detail: string; retryAfterSeconds: number }>({
    fault: 'local', retryable: true, message: (m) => `the model ${m.model} is being loaded: ${m.detail}`, next: 'Ask again after as long as Retry-After says.',
  }),
  queueFull: spec<{ limit: number; retryAfterSeconds: number }>({
    fault: 'local', retryable: true, message: (m) => `${m.limit} requests are under way or wait already`, next: 'Ask again after as long as Retry-After says.',
  }),
  answerEnded: spec<Record<string, never>>({ fault: 'local', retryable: true, message: () => 'the node stopped before the answer was complete', next: 'Ask again when it is back.' }),
});
