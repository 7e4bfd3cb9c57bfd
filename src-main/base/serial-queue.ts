/** Runs calls one after the other, in order of arrival; a failure is its caller's alone. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  add<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(call, call);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
