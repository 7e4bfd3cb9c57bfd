import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics, MetricSpec } from '../base/index.ts';

export interface MetricsRegistry extends Metrics {
  /** Prometheus text exposition format, version 0.0.4. */
  text(): Promise<string>;
  /** All that is counted here, by name. */
  described(): readonly DescribedMetric[];
}

export interface DescribedMetric extends MetricSpec {
  readonly kind: keyof Metrics;
}

/** The one Prometheus registry of a host; domains see it only as base's Metrics port. */
export function createMetricsRegistry(): MetricsRegistry {
  const registry = new Registry();
  const described: DescribedMetric[] = [];
  const options = (kind: keyof Metrics, spec: MetricSpec) => {
    described.push({ kind, name: spec.name, help: spec.help, labels: spec.labels ?? [] });
    return { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [registry] };
  };
  return {
    counter: (spec) => {
      const counter = new Counter(options('counter', spec));
      return { inc: (labels = {}, by = 1) => counter.inc(labels, by) };
    },
    gauge: (spec) => {
      const gauge = new Gauge(options('gauge', spec));
      return { set: (value, labels = {}) => gauge.set(labels, value) };
    },
    histogram: (spec) => {
      const histogram = new Histogram({ ...options('histogram', spec), ...(spec.buckets === undefined ? {} : { buckets: [...spec.buckets] }) });
      return { observe: (value, labels = {}) => histogram.observe(labels, value) };
    },
    text: () => registry.metrics(),
    described: () => described.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
