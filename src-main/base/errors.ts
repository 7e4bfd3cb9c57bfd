/**
 * One error shape for the whole product. Callers compare `code`, never the text;
 * `fault` decides who pays for it: only peer faults cost reputation.
 */
export type Fault = 'peer' | 'local' | 'user';

export type ErrorMeta = Readonly<Record<string, unknown>>;

export interface CodedErrorInit {
  readonly code: string;
  readonly message: string;
  /** The step the reader can take now, as an imperative sentence. */
  readonly next?: string;
  readonly meta?: ErrorMeta;
  readonly cause?: unknown;
  readonly retryable?: boolean;
  readonly fault?: Fault;
}

/** What crosses a process, socket or bridge: no stack, no cause, nothing secret. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly next?: string;
  readonly meta: ErrorMeta;
  readonly retryable: boolean;
  readonly fault: Fault;
}

export class CodedError extends Error {
  readonly code: string;
  readonly next: string | undefined;
  readonly meta: ErrorMeta;
  readonly retryable: boolean;
  readonly fault: Fault;

  constructor(init: CodedErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'CodedError';
    this.code = init.code;
    this.next = init.next;
    this.meta = init.meta ?? {};
    this.retryable = init.retryable ?? false;
    this.fault = init.fault ?? 'local';
  }

  toWire(): WireError {
    const next = this.next === undefined ? {} : { next: this.next };
    return { code: this.code, message: this.message, ...next, meta: this.meta, retryable: this.retryable, fault: this.fault };
  }

  static fromWire(wire: WireError): CodedError {
    return new CodedError(wire);
  }
}

export interface ErrorSpec<M extends ErrorMeta> {
  readonly fault: Fault;
  readonly retryable?: boolean;
  readonly message: (meta: M) => string;
  readonly next?: string | ((meta: M) => string);
}

// `never` as the parameter lets a table mix specs with different meta types.
type SpecTable = Record<string, ErrorSpec<never>>;
type MetaOf<S> = S extends ErrorSpec<infer M> ? M : never;
export type ErrorFactories<T extends SpecTable> = {
  readonly [K in keyof T]: (meta: MetaOf<T[K]>, cause?: unknown) => CodedError;
};

/** Gives a spec its meta type: `spec<{ path: string }>({...})`. */
export const spec = <M extends ErrorMeta>(s: ErrorSpec<M>): ErrorSpec<M> => s;

/**
 * Turns a table of specs into error factories. The code is the table's prefix
 * and the key: `defineErrors('GGUF', { badMagic })` makes `GGUF_BAD_MAGIC`.
 */
export function defineErrors<T extends SpecTable>(prefix: string, table: T): ErrorFactories<T> {
  const entries = Object.entries(table).map(([key, value]) => [key, factory(`${prefix}_${snake(key)}`, value)]);
  return Object.fromEntries(entries) as ErrorFactories<T>;
}

function factory(code: string, s: ErrorSpec<never>) {
  return (meta: never, cause?: unknown): CodedError => {
    const next = typeof s.next === 'function' ? s.next(meta) : s.next;
    const optional = next === undefined ? {} : { next };
    return new CodedError({ code, message: s.message(meta), ...optional, meta, cause, retryable: s.retryable ?? false, fault: s.fault });
  };
}

const snake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();

export const isCoded = (error: unknown, code?: string): error is CodedError =>
  error instanceof CodedError && (code === undefined || error.code === code);

/** Every unknown failure becomes one coded error, its origin kept as `cause`. */
export function toCoded(error: unknown, code = 'INTERNAL'): CodedError {
  if (error instanceof CodedError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CodedError({ code, message, cause: error });
}
