/** What is asked of every system that a benchmark compares. */
export interface Work {
  readonly prompt: readonly number[];
  readonly tokens: number;
}

export interface Decoded {
  readonly tokens: readonly number[];
  /** When each token was there, ms of a monotonic clock. */
  readonly timesMs: readonly number[];
}

export interface System {
  readonly name: string;
  /** Greedy. */
  decode(work: Work): Promise<Decoded>;
  stop(): Promise<void>;
}

/** What two systems are given alike. */
export interface Setup {
  readonly modelPath: string;
  readonly contextTokens: number;
  /** Per stage or worker. */
  readonly threads: number;
}

/** Without the first token, which is the prompt's time. */
export const msPerToken = ({ timesMs }: Decoded): number => ((timesMs.at(-1) ?? Number.NaN) - (timesMs[0] ?? Number.NaN)) / (timesMs.length - 1);
