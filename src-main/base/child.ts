import { fork } from 'node:child_process';
import type { EventEmitter } from 'node:events';

/** The part of a child process that its supervisor uses; events `message`, `error`, `exit` (code, signal). */
export interface Child extends EventEmitter {
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  /** Messages can still be sent. */
  readonly connected: boolean;
  /** Structured clone: typed arrays travel as they are. */
  send(message: object, callback?: (error: Error | null) => void): unknown;
  kill(signal?: NodeJS.Signals): boolean;
  /** Closes the channel: a child of ours ends by that. */
  disconnect(): void;
}

/** Starts a module as a child. Under Electron a utility process, else a fork. */
export type SpawnChild = (modulePath: string) => Child;

/** Of our own flags a child takes over the room for young objects (scripts/lib/heap.mjs), and nothing that is about us alone, like a debugger's port. */
const inherited = (): string[] => process.execArgv.filter((flag) => flag.startsWith('--max-semi-space-size='));

export const forkChild: SpawnChild = (modulePath) => {
  // Under Electron execPath is Electron itself, which must be told to be a plain Node.
  const env = process.versions['electron'] === undefined ? process.env : { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  return fork(modulePath, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: inherited(), env });
};
