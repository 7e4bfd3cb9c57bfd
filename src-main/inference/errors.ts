import { defineErrors, spec, type CodedError } from '../base/index.ts';

type Detail = { readonly detail: string };

const REOPEN = 'Open the model again.';

export const engineErrors = defineErrors('ENGINE', {
  badArgument: spec<Detail>({ fault: 'local', message: (m) => m.detail, next: 'Correct the call: see src-main/inference/engine/types.ts.' }),
  loadFailed: spec<Detail>({ fault: 'user', message: (m) => `the model could not be loaded: ${m.detail}`, next: 'Choose a whole GGUF file of a supported architecture.' }),
  contextFailed: spec<Detail>({ fault: 'local', message: (m) => `no context could be made: ${m.detail}`, next: 'Use a smaller context or free memory.' }),
  sessionsFull: spec<Detail>({ fault: 'local', retryable: true, message: (m) => `this stage is busy: ${m.detail}`, next: 'Wait until another answer has ended.' }),
  noSession: spec<Detail>({ fault: 'local', message: (m) => m.detail, next: 'Open a session first.' }),
  badPosition: spec<Detail>({ fault: 'local', message: (m) => m.detail, next: 'Send rows in order, or roll back first.' }),
  contextFull: spec<Detail>({ fault: 'user', message: (m) => `the context is full: ${m.detail}`, next: 'Begin a new conversation or use a larger context.' }),
  decodeFailed: spec<Detail>({ fault: 'local', message: (m) => `the stage could not compute: ${m.detail}`, next: REOPEN }),
  disposed: spec<Detail>({ fault: 'local', message: () => 'the engine was disposed of', next: REOPEN }),
  noChatTemplate: spec<Detail>({ fault: 'user', message: (m) => m.detail, next: 'Give the prompt as plain text (--raw).' }),
  noBackend: spec<Detail>({ fault: 'local', message: (m) => `no compute backend: ${m.detail}`, next: 'Run `npm ci` again; your processor may be too old.' }),
  badToken: spec<Detail>({ fault: 'local', message: (m) => m.detail, next: 'Use the vocabulary of this very model.' }),
  noLane: spec<Detail>({ fault: 'local', message: (m) => `no lane between the stages: ${m.detail}`, next: 'Rows go over the mesh instead; nothing needs to be done.' }),
  badGrammar: spec<Detail>({ fault: 'user', message: (m) => m.detail, next: 'Ask for an answer of another shape.' }),
  workerLost: spec<{ how: string }>({ fault: 'local', retryable: true, message: (m) => `the inference process ended (${m.how})`, next: 'Try again: a new one is started. If it happens again, run `omninode doctor`.' }),
  workerGarbage: spec<Detail>({ fault: 'local', message: (m) => `the inference process does not make sense: ${m.detail}`, next: 'Run `npm start` to rebuild, then try again.' }),
  addonMissing: spec<{ path: string }>({ fault: 'local', message: (m) => `the stage engine ${m.path} is not there or does not load`, next: 'Run `npm start`, which builds it.' }),
  noMemory: spec<{ neededBytes: number; freeBytes: number }>({
    fault: 'user', message: (m) => `this stage needs ${gigabytes(m.neededBytes)}, ${gigabytes(m.freeBytes)} are free`,
    next: 'Close other programs, use a smaller context or model, or split it over more nodes.',
  }),
  promptTooLong: spec<{ promptTokens: number; contextTokens: number }>({
    fault: 'user', message: (m) => `the prompt has ${m.promptTokens} tokens, the context holds ${m.contextTokens}`, next: 'Shorten the prompt or use a larger context (--context-tokens).',
  }),
  emptyPrompt: spec<Record<string, never>>({ fault: 'user', message: () => 'the prompt has no tokens', next: 'Give a prompt that is not empty.' }),
  cancelled: spec<Record<string, never>>({ fault: 'user', message: () => 'cancelled' }),
});

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

type NativeKey = 'badArgument' | 'loadFailed' | 'contextFailed' | 'sessionsFull' | 'noSession' | 'badPosition' | 'contextFull' | 'decodeFailed' | 'disposed' | 'noChatTemplate' | 'noBackend' | 'badToken' | 'noLane' | 'badGrammar';

/** In the order of `nativeCode`, from 1; see native/index.d.ts. 13, no memory, has a figure and is handled before. */
const NATIVE_CODES: readonly (NativeKey | undefined)[] = [
  'badArgument', 'loadFailed', 'contextFailed', 'sessionsFull', 'noSession', 'badPosition', 'contextFull', 'decodeFailed', 'disposed', 'noChatTemplate', 'noBackend', 'badToken', undefined, 'noLane', 'badGrammar',
];

/** The addon's numbered error as a coded one; anything else is a failed computation. */
export function fromNative(error: unknown, freeBytes = 0): CodedError {
  if (error instanceof Error && 'neededBytes' in error) return engineErrors.noMemory({ neededBytes: Number(error.neededBytes), freeBytes }, error);
  const detail = error instanceof Error ? error.message : String(error);
  const number = error instanceof Error && 'nativeCode' in error ? Number(error.nativeCode) : 0;
  return engineErrors[NATIVE_CODES[number - 1] ?? 'decodeFailed']({ detail }, error);
}
