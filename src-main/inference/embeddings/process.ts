import { once } from 'node:events';
import { CodedError, forkChild, type Child, type SpawnChild } from '../../base/index.ts';
import { replySchema } from '../protocol/messages.ts';
import { embedErrors } from './errors.ts';
import { resultSchemas, type EmbeddingOperation, type EmbeddingOperations } from './messages.ts';

const STOP_GRACE_MS = 2_000;

interface Pending {
  readonly op: EmbeddingOperation;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** The host's end of an embedding process: requests in, checked replies out, and one coded error when it is gone. */
export class EmbeddingProcess {
  readonly #child: Child;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<unknown>;
  #nextId = 0;
  #end: CodedError | undefined;

  constructor(workerPath: string, spawn: SpawnChild = forkChild) {
    this.#child = spawn(workerPath);
    this.#exited = once(this.#child, 'exit').catch(() => undefined);
    this.#child.on('message', (raw) => this.#onMessage(raw));
    this.#child.on('error', (error) => this.#finish(embedErrors.workerLost({ how: error.message }, error)));
    this.#child.on('exit', (code, signal) => this.#finish(embedErrors.workerLost({ how: signal ?? `exit code ${code}` })));
  }

  call<K extends EmbeddingOperation>(op: K, input: EmbeddingOperations[K]['in']): Promise<EmbeddingOperations[K]['out']> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { op, resolve, reject });
      this.#child.send({ id, op, input }, (error) => {
        if (error !== null && this.#pending.delete(id)) reject(this.#end ?? embedErrors.workerLost({ how: error.message }, error));
      });
    });
  }

  /** Ends the process: its memory is free when this resolves. Idempotent. */
  async dispose(): Promise<void> {
    this.#finish(embedErrors.disposed({}));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    if (this.#child.connected) this.#child.disconnect();
    // It hears of the closed channel between two texts; nothing in it is worth waiting for longer.
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #finish(end: CodedError): void {
    this.#end ??= end;
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
  }

  #onMessage(raw: unknown): void {
    const reply = replySchema.safeParse(raw);
    if (!reply.success) return this.#refuse('a reply of unknown shape', reply.error);
    const pending = this.#pending.get(reply.data.id);
    if (pending === undefined) return;
    if (!reply.data.ok) {
      this.#pending.delete(reply.data.id);
      return pending.reject(CodedError.fromWire(reply.data.error));
    }
    const value = resultSchemas[pending.op].safeParse(reply.data.value);
    if (!value.success) return this.#refuse(`a result of ${pending.op} of unknown shape`, value.error);
    this.#pending.delete(reply.data.id);
    pending.resolve(value.data as never);
  }

  #refuse(detail: string, cause: unknown): void {
    this.#child.kill('SIGKILL');
    this.#finish(embedErrors.workerGarbage({ detail }, cause));
  }
}
