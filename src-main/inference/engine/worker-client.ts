import { forkChild, type Child, type Logger, type SpawnChild } from '../../base/index.ts';
import { engineErrors } from '../errors.ts';
import { laneMessageSchema, type Device, type Operation, type Operations } from '../protocol/messages.ts';
import { ChildCalls, type ChildErrors } from './child-calls.ts';
import type { LaneEvent } from './lane.ts';

export interface WorkerOptions {
  /** src-main/inference/worker/main.ts, or its bundle. */
  readonly workerPath: string;
  /** The addon, omninode.node. */
  readonly nativePath: string;
  /** Folder with llama.cpp's shared libraries: `findLibraries()`. */
  readonly librariesFolder: string;
  readonly logger?: Logger;
  /** How the process is started; by default a fork. */
  readonly spawn?: SpawnChild | undefined;
}

const ERRORS: ChildErrors = {
  lost: (how, cause) => engineErrors.workerLost({ how }, cause),
  garbage: (detail, cause) => engineErrors.workerGarbage({ detail }, cause),
  disposed: () => engineErrors.disposed({ detail: '' }),
};

/** The host's end of an inference process. Calls in flight end with ENGINE_DISPOSED when it is disposed of. */
export class WorkerClient {
  /** Resolves when the process ended without being asked. */
  readonly lost: Promise<Error>;
  readonly devices: Promise<readonly Device[]>;
  /** Hears what the worker's lane tells. */
  onLane: ((event: LaneEvent) => void) | undefined;
  readonly #child: Child;
  readonly #calls: ChildCalls;

  constructor({ workerPath, nativePath, librariesFolder, spawn = forkChild }: WorkerOptions) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.lost = promise;
    this.#child = spawn(workerPath);
    this.#calls = new ChildCalls({ child: this.#child, errors: ERRORS, onLost: resolve, onOther: (raw) => this.#onTold(raw) });
    this.devices = this.call('init', { addonPath: nativePath, librariesFolder });
    this.devices.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  call<K extends Operation>(op: K, input: Operations[K]['in']): Promise<Operations[K]['out']> {
    return this.#calls.call(op, input) as Promise<Operations[K]['out']>;
  }

  dispose(): Promise<void> {
    return this.#calls.dispose();
  }

  #onTold(raw: unknown): boolean {
    const told = laneMessageSchema.safeParse(raw);
    if (told.success) this.onLane?.(told.data.lane);
    return told.success;
  }
}
