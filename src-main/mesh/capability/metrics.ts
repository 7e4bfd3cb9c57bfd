import type { Metrics } from '../../base/index.ts';

export interface CapabilityMetrics {
  refused(reason: string): void;
  members(count: number): void;
}

export function capabilityMetrics(metrics: Metrics): CapabilityMetrics {
  const refusals = metrics.counter({ name: 'omninode_capability_refusals_total', help: 'Messages about what nodes can do that were not taken, by reason.', labels: ['reason'] });
  const members = metrics.gauge({ name: 'omninode_capability_members', help: 'Nodes that are there and told what they can do, without this one.' });
  return { refused: (reason) => refusals.inc({ reason }), members: (count) => members.set(count) };
}
