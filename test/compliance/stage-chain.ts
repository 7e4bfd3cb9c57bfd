import type { ActivationDtype, ForwardItem, SamplingOptions, StageEngine, StageInput, StageOutput, StageWant } from '../../src-main/inference/index.ts';

export type Sampled = Extract<StageOutput, { kind: 'sampled' }>;

/** The dtype of every boundary, or of each. */
export type Boundaries = ActivationDtype | readonly ActivationDtype[];

export const dtypeAt = (boundaries: Boundaries, index: number): ActivationDtype => (typeof boundaries === 'string' ? boundaries : boundaries[index] ?? 'f32');

/** Stages one after the other, driven by hand: the shortest pipeline there is. */
export class StageChain {
  readonly engines: readonly StageEngine[];
  readonly #dtype: Boundaries;

  constructor(engines: readonly StageEngine[], dtype: Boundaries = 'f32') {
    this.engines = engines;
    this.#dtype = dtype;
  }

  async open(sampling: SamplingOptions): Promise<ChainSession> {
    const sessions: number[] = [];
    for (const engine of this.engines) sessions.push(await engine.open(sampling));
    return new ChainSession(this.engines, sessions, this.#dtype);
  }

  async dispose(): Promise<void> {
    for (const engine of this.engines) await engine.dispose();
  }
}

export class ChainSession {
  position = 0;
  readonly #engines: readonly StageEngine[];
  readonly #sessions: readonly number[];
  readonly #dtype: Boundaries;

  constructor(engines: readonly StageEngine[], sessions: readonly number[], dtype: Boundaries) {
    this.#engines = engines;
    this.#sessions = sessions;
    this.#dtype = dtype;
  }

  /** Runs `tokens` through all stages at the current position and samples after the last. */
  async step(tokens: readonly number[]): Promise<Sampled> {
    let input: StageInput = { kind: 'tokens', tokens: Int32Array.from(tokens) };
    for (const [index, engine] of this.#engines.entries()) {
      const isLast = index === this.#engines.length - 1;
      const want: StageWant = isLast ? { kind: 'sample' } : { kind: 'hidden', dtype: dtypeAt(this.#dtype, index) };
      const output = await only(engine, { session: this.#sessions[index] ?? -1, position: this.position, input, want });
      if (output.kind === 'sampled') {
        this.position += tokens.length;
        return output;
      }
      if (output.kind === 'hidden') input = output;
    }
    throw new RangeError('the last stage did not sample');
  }

  /** The prompt, then `count` tokens, each fed back. */
  async generate(prompt: readonly number[], count: number): Promise<number[]> {
    const tokens: number[] = [];
    let next = prompt;
    while (tokens.length < count) {
      const { token } = await this.step(next);
      tokens.push(token);
      next = [token];
    }
    return tokens;
  }

  async rollback(position: number): Promise<void> {
    for (const [index, engine] of this.#engines.entries()) await engine.rollback(this.#sessions[index] ?? -1, position);
    this.position = position;
  }

  async close(): Promise<void> {
    for (const [index, engine] of this.#engines.entries()) await engine.close(this.#sessions[index] ?? -1);
  }
}

/** The one output of a batch of one. */
export async function only(engine: StageEngine, item: ForwardItem): Promise<StageOutput> {
  const { outputs } = await engine.forward([item]);
  const [output] = outputs;
  if (output === undefined || outputs.length !== 1) throw new RangeError(`${outputs.length} outputs for one item`);
  return output;
}
