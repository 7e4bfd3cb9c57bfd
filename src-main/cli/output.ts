import { toCoded, type CodedError } from '../base/index.ts';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly isInteractive: boolean;
}

/**
 * A command's voice. With --json stdout carries exactly one JSON document (or one per
 * line for commands that go on), and everything meant for eyes is left out; without it
 * the answer goes to stdout and the talk around it to stderr, so that a pipe gets the answer alone.
 */
export interface Output {
  readonly json: boolean;
  answer(text: string): void;
  line(text: string): void;
  /** Overwrites itself on a terminal; silent elsewhere. */
  progress(text: string): void;
  result(value: unknown): void;
  failure(error: unknown): CodedError;
}

export function createOutput(terminal: Terminal, json: boolean): Output {
  let progressWidth = 0;
  const clear = (): void => {
    if (progressWidth > 0) terminal.err(`\r${' '.repeat(progressWidth)}\r`);
    progressWidth = 0;
  };
  const progress = (text: string): void => {
    if (json || !terminal.isInteractive) return;
    terminal.err(`\r${text.padEnd(progressWidth)}`);
    progressWidth = text.length;
  };
  const line = (text: string): void => {
    clear();
    if (!json) terminal.err(`${text}\n`);
  };
  return {
    json, progress, line,
    answer: (text) => {
      clear();
      if (!json) terminal.out(text);
    },
    result: (value) => {
      if (json) terminal.out(`${JSON.stringify(value)}\n`);
    },
    failure: (error) => {
      clear();
      const coded = toCoded(error);
      if (json) terminal.out(`${JSON.stringify({ error: coded.toWire() })}\n`);
      else terminal.err(`omninode: ${coded.message} [${coded.code}]\n${coded.next === undefined ? '' : `  ${coded.next}\n`}`);
      return coded;
    },
  };
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
