import type { HostServiceEvents } from '../../api/index.ts';
import type { Events } from '../../base/index.ts';
import type { GenerationStats } from '../../pipeline/index.ts';
import type { HostInfo, HostStatus, Paying, Stage } from '../../../src-preload/bridge/index.ts';
import { withFigures } from '../pipeline-load.ts';

/** What is told of the model that answers: kept for who asks, and said as it changes. */
export class Told {
  status: HostStatus = { kind: 'starting' };
  stages: readonly Stage[] = [];
  model: HostInfo['model'];
  /** What it costs; undefined where nothing. */
  paying: Paying | undefined;
  readonly #events: Events<HostServiceEvents>;

  constructor(events: Events<HostServiceEvents>) {
    this.#events = events;
  }

  setStatus(status: HostStatus): void {
    this.status = status;
    this.#events.emit('status', status);
  }

  setStages(stages: readonly Stage[]): void {
    this.stages = stages;
    this.#events.emit('stages', stages);
  }

  setPaying(paying: Paying | undefined): void {
    if (paying === undefined && this.paying === undefined) return;
    this.paying = paying;
    this.#events.emit('paying', paying);
  }

  /** A stage that was lost stays so. */
  markStages(state: Stage['state']): void {
    this.setStages(this.stages.map((stage) => (stage.state === 'lost' ? stage : { ...stage, state })));
  }

  lostStage(peer: unknown): void {
    this.setStages(this.stages.map((stage) => (stage.peerId === peer ? { ...stage, state: 'lost' } : stage)));
  }

  measured(stats: GenerationStats): void {
    this.setStages(this.stages.map((stage, index) => withFigures(stage, stats, index)));
  }
}
