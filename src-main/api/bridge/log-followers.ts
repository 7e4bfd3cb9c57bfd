import type { Unsubscribe } from '../../base/index.ts';
import type { HostEvent } from '../../../src-preload/bridge/index.ts';
import type { LogService } from '../ports.ts';
import type { Sink } from './hub.ts';

/** Tells of new log lines while somebody looks at them: else every line would wake every page. */
export class LogFollowers {
  readonly #logs: LogService | undefined;
  readonly #publish: (event: HostEvent) => void;
  readonly #sinks = new Set<Sink>();
  #off: Unsubscribe | undefined;

  constructor(logs: LogService | undefined, publish: (event: HostEvent) => void) {
    this.#logs = logs;
    this.#publish = publish;
  }

  follow(sink: Sink, isOn: boolean): void {
    if (isOn) this.#sinks.add(sink);
    else this.#sinks.delete(sink);
    if (this.#sinks.size === 0) return this.close();
    this.#off ??= this.#logs?.onAdded((lastSeq) => this.#publish({ event: 'logs.added', data: { lastSeq } }));
  }

  close(): void {
    this.#off?.();
    this.#off = undefined;
  }
}
