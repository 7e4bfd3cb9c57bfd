import { availableParallelism } from 'node:os';
import { systemClock } from '../base/index.ts';
import { createLocalModel, createWorkerTokenizer, findLibraries, type LocalModel, type Tokenizer } from '../inference/index.ts';
import { fileSource, openGguf } from '../store/index.ts';
import type { Settings } from './config.ts';
import type { InferOptions } from './infer-pipeline.ts';
import { findModel } from './model-file.ts';
import { microBatchOf } from './micro-batch.ts';
import { appPaths } from './paths.ts';
import { threadsFor } from './threads.ts';
import { promptTokens, TextStream } from './text-stream.ts';
import type { GenerateRequest, InferenceReport } from './types.ts';

/** `infer`: one answer of the whole model in this process, through node-llama-cpp. */
export async function inferWhole({ config }: Settings, request: GenerateRequest, options: InferOptions): Promise<InferenceReport> {
  const paths = appPaths();
  const { path, sizeBytes } = await findModel(config.model, { paths, config });
  await checkHeader(path);
  options.onStatus?.('loading the model');
  const tokenizer = await createWorkerTokenizer({ path }, { workerPath: paths.stageWorker, nativePath: paths.nativeAddon, librariesFolder: findLibraries() });
  try {
    const { contextTokens, gpuLayers } = config;
    const threads = threadsFor(config.threads, availableParallelism(), sizeBytes);
    const model = await createLocalModel({ path, contextTokens, batchTokens: microBatchOf(config).batchTokens, threads, gpuLayers, signal: options.signal });
    try {
      return await answer({ model, tokenizer, request, options, contextTokens });
    } finally {
      await model.dispose();
    }
  } finally {
    await tokenizer.dispose();
  }
}

/** Our reader names the field that is wrong; llama.cpp would only say that it cannot. */
async function checkHeader(path: string): Promise<void> {
  const source = await fileSource(path);
  await openGguf(source).finally(() => source.close());
}

interface Job {
  readonly model: LocalModel;
  readonly tokenizer: Tokenizer;
  readonly request: GenerateRequest;
  readonly options: InferOptions;
  readonly contextTokens: number;
}

async function answer({ model, tokenizer, request, options, contextTokens }: Job): Promise<InferenceReport> {
  const prompt = await promptTokens(tokenizer, request.prompt);
  const stream = new TextStream(tokenizer);
  const tokenIds: number[] = [];
  const timesMs: number[] = [];
  let text = '';
  const emit = (piece: string): void => {
    text += piece;
    if (piece !== '') options.onText?.(piece);
  };
  const begunMs = systemClock.monotonicMs();
  const { sampling, maxTokens } = request;
  for await (const { token } of model.generate({ promptTokens: prompt, sampling, maxTokens, endTokens: tokenizer.endTokens, signal: options.signal })) {
    timesMs.push(systemClock.monotonicMs());
    tokenIds.push(token);
    emit(await stream.push(token));
  }
  emit(stream.end());
  const full = prompt.length + tokenIds.length >= contextTokens;
  const finishReason = options.signal.aborted ? 'cancelled' : tokenIds.length >= maxTokens ? 'length' : full ? 'context' : 'stop';
  const span = (timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0);
  const msPerToken = timesMs.length > 1 && span > 0 ? span / (timesMs.length - 1) : null;
  return {
    text, tokenIds, promptTokens: prompt.length, finishReason, speculation: null,
    ttftMs: timesMs[0] === undefined ? null : timesMs[0] - begunMs,
    tokensPerSecond: msPerToken === null ? null : 1000 / msPerToken,
    stages: [{ peerId: 'this process', layers: [0, model.layers - 1], bytesLoaded: model.weightBytes, msPerToken }],
  };
}
