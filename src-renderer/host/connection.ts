import { bridgeErrors, commands, HostError, type CallResult, type CommandName, type CommandOutput } from '../../src-preload/bridge/index.ts';

/** Checks a reply against the contract and unwraps it; rejects with HostError. */
export function unwrap<N extends CommandName>(name: N, result: CallResult): CommandOutput<N> {
  if (!result.ok) throw new HostError(result.error);
  const value = commands[name].output.safeParse(result.value);
  if (!value.success) throw bridgeErrors.badReply(name);
  return value.data as CommandOutput<N>;
}

/** A set of listeners that cannot break each other's subscription. */
export class Listeners<T> {
  readonly #all = new Set<(value: T) => void>();

  add(listener: (value: T) => void): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  emit(value: T): void {
    for (const listener of [...this.#all]) listener(value);
  }
}
