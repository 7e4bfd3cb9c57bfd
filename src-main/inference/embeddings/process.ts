import { forkChild, type SpawnChild } from '../../base/index.ts';
import { ChildCalls, type ChildErrors } from '../engine/child-calls.ts';
import { embedErrors } from './errors.ts';
import { resultSchemas, type EmbeddingOperation, type EmbeddingOperations } from './messages.ts';

const ERRORS: ChildErrors = {
  lost: (how, cause) => embedErrors.workerLost({ how }, cause),
  garbage: (detail, cause) => embedErrors.workerGarbage({ detail }, cause),
  disposed: () => embedErrors.disposed({}),
};

/** The host's end of an embedding process; results are checked. */
export class EmbeddingProcess {
  readonly #calls: ChildCalls;

  constructor(workerPath: string, spawn: SpawnChild = forkChild) {
    this.#calls = new ChildCalls({ child: spawn(workerPath), errors: ERRORS, check: (op, value) => resultSchemas[op as EmbeddingOperation].safeParse(value) });
  }

  call<K extends EmbeddingOperation>(op: K, input: EmbeddingOperations[K]['in']): Promise<EmbeddingOperations[K]['out']> {
    return this.#calls.call(op, input) as Promise<EmbeddingOperations[K]['out']>;
  }

  dispose(): Promise<void> {
    return this.#calls.dispose();
  }
}
