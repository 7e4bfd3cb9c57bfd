import type { MetricsText } from '../api/index.ts';
import type { Node } from './node.ts';

/** What a node counts, in Prometheus' text format. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const metricsText = ({ metrics }: Pick<Node, 'metrics'>): MetricsText => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: () => metrics.text() });
