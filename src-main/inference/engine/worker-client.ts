import { once } from 'node:events';
import { CodedError, forkChild, type Child, type Logger, type SpawnChild } from '../../base/index.ts';
import { engineErrors } from '../errors.ts';
import { laneMessageSchema, replySchema, type Device, type Operation, type Operations } from '../protocol/messages.ts';
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

const STOP_GRACE_MS = 2_000;

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** The host's end of an inference process: requests in, replies out, and one coded error when it is gone. */
export class WorkerClient {
  /** Resolves when the process ended without being asked. */
  readonly lost: Promise<Error>;
  readonly devices: Promise<readonly Device[]>;
  /** Hears what the worker's lane tells. */
  onLane: ((event: LaneEvent) => void) | undefined;
  readonly #child: Child;
  readonly #lost = Promise.withResolvers<Error>();
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<unknown>;
  #nextId = 0;
  #end: CodedError | undefined;

  constructor({ workerPath, nativePath, librariesFolder, spawn = forkChild }: WorkerOptions) {
    this.lost = this.#lost.promise;
    this.#child = spawn(workerPath);
    this.#exited = once(this.#child, 'exit').catch(() => undefined);
    this.#child.on('message', (raw) => this.#onMessage(raw));
    this.#child.on('error', (error) => this.#lose(engineErrors.workerLost({ how: error.message }, error)));
    this.#child.on('exit', (code, signal) => this.#lose(engineErrors.workerLost({ how: signal ?? `exit code ${code}` })));
    this.devices = this.call('init', { addonPath: nativePath, librariesFolder });
    this.devices.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  call<K extends Operation>(op: K, input: Operations[K]['in']): Promise<Operations[K]['out']> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, op, input }, (error) => {
        if (error !== null && this.#pending.delete(id)) reject(this.#end ?? engineErrors.workerLost({ how: error.message }, error));
      });
    });
  }

  /** Ends the process: its memory is free when this resolves. Calls in flight end with ENGINE_DISPOSED. Idempotent. */
  async dispose(): Promise<void> {
    this.#finish(engineErrors.disposed({ detail: '' }));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    // The worker ends itself when its channel closes, also amid a pass; the timer is for one that hangs.
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #lose(reason: CodedError): void {
    if (this.#finish(reason)) this.#lost.resolve(reason);
  }

  /** False when it had ended before. */
  #finish(end: CodedError): boolean {
    if (this.#end !== undefined) return false;
    this.#end = end;
    for (const { reject } of this.#pending.values()) reject(end);
    this.#pending.clear();
    return true;
  }

  #onMessage(raw: unknown): void {
    const reply = replySchema.safeParse(raw);
    if (!reply.success) {
      const told = laneMessageSchema.safeParse(raw);
      if (told.success) return this.onLane?.(told.data.lane);
      this.#child.kill('SIGKILL');
      return this.#lose(engineErrors.workerGarbage({ detail: 'a reply of unknown shape' }, reply.error));
    }
    const pending = this.#pending.get(reply.data.id);
    this.#pending.delete(reply.data.id);
    if (reply.data.ok) pending?.resolve(reply.data.value as never);
    else pending?.reject(CodedError.fromWire(reply.data.error));
  }
}
