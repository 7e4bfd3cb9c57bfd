import type { Settings } from '../host/index.ts';
import type { Output } from './output.ts';

/** What every command gets: settled configuration, a voice, and the signal that Ctrl-C aborts. */
export interface CommandContext {
  readonly settings: Settings;
  readonly output: Output;
  readonly signal: AbortSignal;
}

export type CommandRun<Args> = (context: CommandContext, args: Args) => Promise<number>;
