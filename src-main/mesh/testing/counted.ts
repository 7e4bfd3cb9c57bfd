import { noMetrics, type Metrics } from '../../base/index.ts';

/** What a node counts, to be looked at: refusals by their reason. */
export class Counted {
  readonly refusals = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  readonly metrics: Metrics = {
    ...noMetrics,
    counter: ({ name }) => ({
      inc: ({ reason } = {}, by = 1) => {
        if (name !== 'omninode_mesh_refusals_total' || reason === undefined) return;
        this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + by);
        for (const check of this.#waiting) check();
      },
    }),
  };

  of(reason: string): number {
    return this.refusals.get(reason) ?? 0;
  }

  /** Resolves once a reason was counted so often. */
  reaches(reason: string, count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => { if (this.of(reason) >= count) resolve(); };
    this.#waiting.add(check);
    check();
    return promise.finally(() => this.#waiting.delete(check));
  }
}
