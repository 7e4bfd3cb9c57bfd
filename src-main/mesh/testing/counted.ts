import { noMetrics, type Metrics } from '../../base/index.ts';

/** What a node counts, to be looked at: refusals by their reason, and under `inbound closed` and the like how handshakes ended. */
export class Counted {
  readonly refusals = new Map<string, number>();
  readonly handshakes = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  readonly metrics: Metrics = {
    ...noMetrics,
    counter: ({ name }) => ({
      inc: ({ reason, direction, result } = {}, by = 1) => {
        if (name === 'omninode_mesh_refusals_total' && reason !== undefined) this.#add(this.refusals, reason, by);
        if (name === 'omninode_mesh_handshakes_total') this.#add(this.handshakes, `${direction} ${result}`, by);
      },
    }),
  };

  of(reason: string): number {
    return this.refusals.get(reason) ?? this.handshakes.get(reason) ?? 0;
  }

  /** Resolves once a reason was counted so often. */
  reaches(reason: string, count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => { if (this.of(reason) >= count) resolve(); };
    this.#waiting.add(check);
    check();
    return promise.finally(() => this.#waiting.delete(check));
  }

  #add(counts: Map<string, number>, key: string, by: number): void {
    counts.set(key, (counts.get(key) ?? 0) + by);
    for (const check of this.#waiting) check();
  }
}
