import { defineErrors, spec } from '../../base/index.ts';

type Detail = { readonly detail: string };

const INSTALL = 'Run `npm run setup:embeddings`, which installs it from the npm registry.';

export const embedErrors = defineErrors('EMBED', {
  packageMissing: spec<Detail>({ fault: 'local', message: (m) => `what embeddings run on is not installed or does not load: ${m.detail}`, next: INSTALL }),
  missingFile: spec<{ folder: string; file: string }>({
    fault: 'user', message: (m) => `${m.folder} has no ${m.file}`,
    next: 'Choose a folder with config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx or onnx/model_quantized.onnx.',
  }),
  fileTooLarge: spec<{ file: string; limitBytes: number }>({ fault: 'user', message: (m) => `${m.file} is larger than ${m.limitBytes} bytes`, next: 'Choose a smaller model.' }),
  notEmbeddingModel: spec<Detail>({ fault: 'user', message: (m) => `this is no embedding model: ${m.detail}`, next: 'Choose an ONNX export for feature extraction, one that gives a state for each token.' }),
  emptyText: spec<{ index: number }>({ fault: 'user', message: (m) => `text ${m.index} is empty`, next: 'Leave it out.' }),
  tooManyTexts: spec<{ texts: number; limit: number }>({ fault: 'user', message: (m) => `${m.texts} texts at once, ${m.limit} are possible`, next: 'Embed them in several calls.' }),
  textTooLong: spec<{ index: number; size: string; limit: string }>({
    fault: 'user', message: (m) => `text ${m.index} has ${m.size}, the model takes ${m.limit}`, next: 'Split the text, or have its end cut off (--truncate).',
  }),
  badArgument: spec<Detail>({ fault: 'local', message: (m) => m.detail, next: 'Correct the call: see src-main/inference/embeddings/types.ts.' }),
  computeFailed: spec<Detail>({ fault: 'local', message: (m) => `the text could not be embedded: ${m.detail}`, next: 'Try another text or another copy of the model.' }),
  cancelled: spec<Record<string, never>>({ fault: 'user', message: () => 'cancelled' }),
  disposed: spec<Record<string, never>>({ fault: 'local', message: () => 'the embedder was disposed of', next: 'Create another.' }),
  workerLost: spec<{ how: string }>({ fault: 'local', retryable: true, message: (m) => `the embedding process ended (${m.how})`, next: 'Try again with a new embedder; if it happens again, free memory.' }),
  workerGarbage: spec<Detail>({ fault: 'local', message: (m) => `the embedding process does not make sense: ${m.detail}`, next: 'Run `npm start` to rebuild, then try again.' }),
  badUrl: spec<{ url: string }>({ fault: 'user', message: (m) => `${m.url} is no http or https address`, next: 'Give the address of the folder that holds config.json.' }),
  folderTaken: spec<{ folder: string }>({ fault: 'user', message: (m) => `${m.folder} is there already and has no whole model`, next: 'Remove it, or name another folder.' }),
  downloadFailed: spec<{ url: string; detail: string }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} could not be downloaded: ${m.detail}`, next: 'Check the address and the connection, then try again.' }),
});
