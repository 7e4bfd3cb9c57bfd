import { createOwnProcessEngine, GREEDY, type StageLoadOptions, type WorkerOptions } from '../../../src-main/inference/index.ts';

/** The baseline: one process that holds the whole model and does nothing but decode. No call leaves it per token. */
export interface WholeStart {
  readonly options: StageLoadOptions;
  readonly worker: Pick<WorkerOptions, 'nativePath' | 'librariesFolder'>;
}
export interface WholeRun {
  readonly prompt: readonly number[];
  readonly tokens: number;
}
export interface WholeResult {
  readonly tokens: readonly number[];
  /** When each token was there, ms of a monotonic clock. */
  readonly timesMs: readonly number[];
}

let engine: ReturnType<typeof createOwnProcessEngine> | undefined;

async function run({ prompt, tokens: wanted }: WholeRun): Promise<WholeResult> {
  const stage = await engine;
  if (stage === undefined) throw new Error('start comes first');
  const session = await stage.open(GREEDY);
  const tokens: number[] = [];
  const timesMs: number[] = [];
  let input = Int32Array.from(prompt);
  for (let position = 0; tokens.length < wanted; input = Int32Array.of(tokens.at(-1) ?? 0)) {
    const { outputs: [out] } = await stage.forward([{ session, position, input: { kind: 'tokens', tokens: input }, want: { kind: 'sample' } }]);
    if (out?.kind !== 'sampled') break;
    position += input.length;
    tokens.push(out.token);
    timesMs.push(performance.now());
  }
  await stage.close(session);
  return { tokens, timesMs };
}

process.on('message', (message: WholeStart | WholeRun) => {
  if ('prompt' in message) return void run(message).then((result) => process.send?.(result));
  engine = createOwnProcessEngine(message.options, message.worker);
});
process.on('disconnect', () => process.exit(0));
