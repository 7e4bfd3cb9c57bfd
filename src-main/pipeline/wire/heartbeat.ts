import type { Clock } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { HeartbeatOptions } from '../options.ts';
import type { StageLink } from './link.ts';

export interface HeartbeatInit extends HeartbeatOptions {
  readonly clock: Clock;
  readonly links: () => Iterable<StageLink>;
  readonly onTick?: (nowMs: number) => void;
}

/** One timer for all links of a node or pipeline: pings each, drops those not heard of for too long. */
export class Heartbeat {
  readonly #init: HeartbeatInit;
  readonly #timer: NodeJS.Timeout;
  #lastTickMs: number;

  constructor(init: HeartbeatInit) {
    this.#init = init;
    this.#lastTickMs = init.clock.monotonicMs();
    this.#timer = setInterval(() => this.#tick(), init.heartbeatMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { clock, heartbeatMs, heartbeatTimeoutMs, links, onTick } = this.#init;
    const nowMs = clock.monotonicMs();
    // After a sleep or a blocked loop the silence was ours: everybody gets another chance.
    const wasAsleep = nowMs - this.#lastTickMs > 2 * heartbeatMs;
    this.#lastTickMs = nowMs;
    for (const link of [...links()]) {
      if (wasAsleep) link.lastHeardMs = nowMs;
      if (nowMs - link.lastHeardMs > heartbeatTimeoutMs) link.abort(pipelineErrors.linkSilent({ peer: link.peer, timeoutMs: heartbeatTimeoutMs }));
      else link.ping();
    }
    onTick?.(nowMs);
  }
}
