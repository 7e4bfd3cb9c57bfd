import type { Clock, Unsubscribe } from '../../base/index.ts';
import { reduce, type HostEvent, type HostState, type Push, type Snapshot } from '../../../src-preload/bridge/index.ts';
import type { HostService } from '../ports.ts';
import { Coalescer } from './coalescer.ts';

export type Sink = (push: Push) => void;

/** The state that all clients see: applies each event, numbers it, hands it to every subscriber. */
export class Hub {
  readonly #coalescer: Coalescer;
  readonly #sinks = new Set<Sink>();
  /** Clients that want to hear of samples. */
  readonly #watchers = new Set<Sink>();
  readonly #stops: Unsubscribe[];
  #state: HostState;
  #seq = 0;

  constructor(host: HostService, clock: Clock) {
    this.#state = stateOf(host);
    this.#coalescer = new Coalescer((event) => this.#emit(event), clock);
    this.#stops = [
      host.events.on('status', (data) => this.#onStatus(host, data)),
      host.events.on('stages', (data) => this.publish({ event: 'pipeline.stages', data })),
      host.events.on('paying', (paying) => this.publish({ event: 'pipeline.paying', data: { paying: paying ?? null } })),
      host.events.on('activity', (data) => this.publish({ event: 'pipeline.activity', data })),
      host.events.on('sample', (data) => { if (this.#watchers.size > 0) this.publish({ event: 'pipeline.sampled', data }); }),
      host.events.on('answered', (answers) => this.publish({ event: 'pipeline.answered', data: { answers } })),
      host.events.on('members', (data) => this.publish({ event: 'members.changed', data })),
      host.events.on('standing', (data) => this.publish({ event: 'standing.changed', data })),
      host.events.on('models', (data) => this.publish({ event: 'models.changed', data })),
      host.events.on('contribution', (data) => this.publish({ event: 'contribute.changed', data })),
      host.events.on('economy', (data) => this.publish({ event: 'economy.changed', data })),
      host.events.on('link', (link) => this.publish({ event: 'link.offered', data: { link: link ?? null } })),
      host.events.on('update', (data) => this.publish({ event: 'update.changed', data })),
      host.events.on('peers', (data) => this.publish({ event: 'peers.changed', data })),
    ];
  }

  publish(event: HostEvent): void {
    this.#coalescer.push(event);
  }

  /** What waited is sent first, so that the snapshot and later pushes do not tell it twice. */
  snapshot(): Snapshot {
    this.#coalescer.flush();
    return { seq: this.#seq, state: this.#state };
  }

  subscribe(sink: Sink): void {
    this.#sinks.add(sink);
  }

  unsubscribe(sink: Sink): void {
    this.#sinks.delete(sink);
    this.#watchers.delete(sink);
  }

  watch(sink: Sink, isOn: boolean): void {
    if (isOn) this.#watchers.add(sink);
    else this.#watchers.delete(sink);
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#coalescer.flush();
    this.#sinks.clear();
  }

  #onStatus(host: HostService, status: HostState['status']): void {
    const info = host.info();
    if (JSON.stringify(info) !== JSON.stringify(this.#state.info)) this.publish({ event: 'host.changed', data: info });
    this.publish({ event: 'host.status', data: status });
  }

  #emit(event: HostEvent): void {
    this.#state = reduce(this.#state, event);
    this.#seq += 1;
    for (const sink of [...this.#sinks]) sink({ ...event, seq: this.#seq });
  }
}

/** What the host tells before any event. */
function stateOf(host: HostService): HostState {
  const parts = {
    activity: host.activity?.(), paying: host.paying?.(), members: host.members?.(), standing: host.standing?.(), models: host.models?.now(), contribution: host.contribute?.get(),
    economy: host.economy?.now(), offeredLink: host.links?.current(), update: host.updates?.state(),
  };
  const there = Object.entries(parts).filter(([, part]) => part !== undefined);
  return { info: host.info(), status: host.status(), stages: host.stages(), peers: host.peers(), answers: {}, ...Object.fromEntries(there) };
}
