import { createOwnProcessEngine, GREEDY, type ActivationDtype, type StageLoadOptions, type WorkerOptions } from '../../../src-main/inference/index.ts';

/** A process that runs whole sequences through one stage, on one set of llama.cpp's libraries: these are chosen once per process. */
export interface StageStart {
  readonly worker: Pick<WorkerOptions, 'nativePath' | 'librariesFolder'>;
}
export interface StageRun {
  readonly options: StageLoadOptions;
  readonly dtype: ActivationDtype;
  readonly sequences: readonly Sequence[];
}
export interface Sequence {
  /** Token ids, or rows of `dtype`. */
  readonly input: Int32Array | Uint8Array;
  /** Rows of each pass, in order. */
  readonly passes: readonly number[];
}
/** Per sequence [rows x hidden size] of `dtype`. */
export interface StageRunResult {
  readonly outputs: readonly Uint8Array[];
}

let worker: StageStart['worker'] | undefined;

async function run({ options, dtype, sequences }: StageRun): Promise<StageRunResult> {
  if (worker === undefined) throw new Error('start comes first');
  const engine = await createOwnProcessEngine(options, worker);
  const outputs: Uint8Array[] = [];
  for (const { input, passes } of sequences) {
    const session = await engine.open(GREEDY);
    const rowBytes = engine.info.hiddenSize * (dtype === 'f32' ? 4 : 2);
    const parts: Uint8Array[] = [];
    let position = 0;
    for (const rows of passes) {
      const end = position + rows;
      const part = input instanceof Int32Array
        ? { kind: 'tokens' as const, tokens: input.slice(position, end) }
        : { kind: 'hidden' as const, dtype, rows, data: input.subarray(position * rowBytes, end * rowBytes) };
      const { outputs: [out] } = await engine.forward([{ session, position, input: part, want: { kind: 'hidden', dtype } }]);
      if (out?.kind !== 'hidden') throw new Error('the stage gave no hidden states');
      parts.push(out.data);
      position = end;
    }
    outputs.push(Buffer.concat(parts));
    await engine.close(session);
  }
  await engine.dispose();
  return { outputs };
}

process.on('message', (message: StageStart | StageRun) => {
  if ('worker' in message) worker = message.worker;
  else void run(message).then((result) => process.send?.(result), (error: unknown) => { throw error; });
});
process.on('disconnect', () => process.exit(0));
