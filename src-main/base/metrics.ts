/** What a domain may ask of metrics; the Prometheus registry behind it is composed in host/. */
export interface Counter {
  inc(labels?: Readonly<Record<string, string>>, by?: number): void;
}
export interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}
export interface MetricSpec {
  /** Prometheus name with its unit, e.g. `omninode_stage_compute_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}
export interface Metrics {
  counter(spec: MetricSpec): Counter;
  gauge(spec: MetricSpec): Gauge;
  histogram(spec: MetricSpec & { readonly buckets?: readonly number[] }): Histogram;
}

const nothing = (): void => undefined;
export const noMetrics: Metrics = {
  counter: () => ({ inc: nothing }),
  gauge: () => ({ set: nothing }),
  histogram: () => ({ observe: nothing }),
};

/** A gauge that several parts of a process add to. */
export interface Tally {
  /** Adds a difference, which may be negative. */
  add(by: number): void;
}

export function createTally(gauge: Gauge): Tally {
  let value = 0;
  return { add: (by) => gauge.set((value += by)) };
}
