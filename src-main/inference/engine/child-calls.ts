import { once } from 'node:events';
import { CodedError, type Child } from '../../base/index.ts';
import { replySchema } from '../protocol/messages.ts';

const STOP_GRACE_MS = 2_000;

/** The errors of whoever owns the process. */
export interface ChildErrors {
  lost(how: string, cause?: unknown): CodedError;
  garbage(detail: string, cause: unknown): CodedError;
  disposed(): CodedError;
}

export interface ChildCallsInit {
  readonly child: Child;
  readonly errors: ChildErrors;
  /** A result as its caller may have it; undefined with the cause when it has another shape. Absent: taken as it is. */
  readonly check?: (op: string, value: unknown) => { readonly data: unknown } | { readonly error: unknown };
  /** A message that is no reply; false: nor anything else that is known. */
  readonly onOther?: (raw: unknown) => boolean;
  /** The process ended without being asked. */
  readonly onLost?: (error: CodedError) => void;
}

interface Pending {
  readonly op: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The host's end of a process that answers calls: requests out, checked replies in, and one coded error when it is gone. */
export class ChildCalls {
  readonly #init: ChildCallsInit;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<unknown>;
  #nextId = 0;
  #end: CodedError | undefined;

  constructor(init: ChildCallsInit) {
    const { child, errors } = init;
    this.#init = init;
    this.#exited = once(child, 'exit').catch(() => undefined);
    child.on('message', (raw) => this.#onMessage(raw));
    child.on('error', (error) => this.#lose(errors.lost(error.message, error)));
    child.on('exit', (code, signal) => this.#lose(errors.lost(signal ?? `exit code ${code}`)));
  }

  call(op: string, input: unknown): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const { child, errors } = this.#init;
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { op, resolve, reject });
      child.send({ id, op, input }, (error) => {
        if (error !== null && this.#pending.delete(id)) reject(this.#end ?? errors.lost(error.message, error));
      });
    });
  }

  /** Ends the process: its memory is free when this resolves. Calls in flight end with `disposed`. Idempotent. */
  async dispose(): Promise<void> {
    const { child, errors } = this.#init;
    this.#finish(errors.disposed());
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    // It ends itself when its channel closes, also amid a computation; the timer is for one that hangs.
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #lose(reason: CodedError): void {
    if (this.#finish(reason)) this.#init.onLost?.(reason);
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
    if (reply.success) return this.#onReply(reply.data);
    if (this.#init.onOther?.(raw) !== true) this.#refuse('a reply of unknown shape', reply.error);
  }

  #onReply(reply: ReturnType<typeof replySchema.parse>): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    const checked = !reply.ok ? undefined : this.#init.check?.(pending.op, reply.value) ?? { data: reply.value };
    if (checked !== undefined && !('data' in checked)) return this.#refuse(`a result of ${pending.op} of unknown shape`, checked.error);
    this.#pending.delete(reply.id);
    if (checked !== undefined) pending.resolve(checked.data);
    else if (!reply.ok) pending.reject(CodedError.fromWire(reply.error));
  }

  #refuse(detail: string, cause: unknown): void {
    this.#init.child.kill('SIGKILL');
    this.#lose(this.#init.errors.garbage(detail, cause));
  }
}
