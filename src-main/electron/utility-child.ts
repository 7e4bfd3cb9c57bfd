import { EventEmitter } from 'node:events';
import type { Child, SpawnChild } from '../base/index.ts';

/** The part of Electron's UtilityProcess that we use. */
export interface Utility {
  readonly pid: number | undefined;
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

/**
 * Children as utility processes: they are listed with the app's other processes, end with it, and need no Electron that
 * may be run as a plain Node, which packaged apps forbid.
 */
export const utilityChildren = (fork: (modulePath: string) => Utility): SpawnChild => (modulePath) => new UtilityChild(fork(modulePath));

class UtilityChild extends EventEmitter implements Child {
  exitCode: number | null = null;
  readonly signalCode = null;
  readonly #utility: Utility;

  constructor(utility: Utility) {
    super();
    this.#utility = utility;
    utility.on('message', (message) => this.emit('message', message));
    utility.on('exit', (code) => {
      this.exitCode = code;
      this.emit('exit', code, null);
    });
  }

  get pid(): number | undefined {
    return this.#utility.pid;
  }

  get connected(): boolean {
    return this.exitCode === null;
  }

  send(message: object, callback?: (error: Error | null) => void): void {
    this.#utility.postMessage(message);
    callback?.(null);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    const { pid } = this.#utility;
    if (pid === undefined || this.exitCode !== null) return false;
    try {
      return process.kill(pid, signal);
    } catch {
      // It ended a moment ago; its exit is on the way.
      return false;
    }
  }

  /** There is no channel to close: our children end at once when it closes, so it comes to the same. */
  disconnect(): void {
    this.kill('SIGKILL');
  }
}
