import { randomUUID } from 'node:crypto';
import { toCoded, type Logger } from '../../base/index.ts';
import { NETWORK_LIMITS, type NetCheck, type NetFinding } from '../../../src-preload/bridge/index.ts';
import { hostErrors } from '../errors.ts';

/** How long somebody who asks waits for news before he is told that there are none. */
const NEWS_MS = 10_000;

/** What a check tells while it runs. */
export interface CheckSink {
  readonly signal: AbortSignal;
  /** What it looks at now. */
  doing(what: string): void;
  /** All that was found until now. */
  found(findings: readonly NetFinding[]): void;
}

interface Running {
  readonly id: string;
  readonly abort: AbortController;
  state: NetCheck;
  changed: PromiseWithResolvers<void>;
}

/** Checks for pages: one at a time, told piece by piece to whoever asks, called off when its time is over. */
export class NetChecks {
  readonly #logger: Logger;
  #current: Running | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Ends the one before. */
  start(work: (sink: CheckSink) => Promise<void>): string {
    this.cancel(this.#current?.id);
    const check: Running = { id: randomUUID(), abort: new AbortController(), state: { revision: 0, doing: '', isCancelled: false, findings: [] }, changed: Promise.withResolvers() };
    this.#current = check;
    const sink: CheckSink = {
      signal: check.abort.signal,
      doing: (doing) => change(check, { doing }),
      found: (findings) => change(check, { findings: findings.slice(0, NETWORK_LIMITS.findings) }),
    };
    void work(sink).catch((error: unknown) => this.#failed(check, error)).finally(() => end(check, false));
    return check.id;
  }

  /** As it stands once that is not what was seen, or after a while. Throws HOST_CHECK_GONE. */
  async news(id: string, seen: number): Promise<NetCheck> {
    const check = this.#current;
    if (check?.id !== id) throw hostErrors.checkGone({ check: id });
    if (check.state.revision <= seen && check.state.doing !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, NEWS_MS);
      await Promise.race([check.changed.promise, promise]);
      clearTimeout(timer);
    }
    return check.state;
  }

  /** False where it was over. */
  cancel(id: string | undefined): boolean {
    const check = this.#current;
    if (check === undefined || check.id !== id || check.state.doing === undefined) return false;
    end(check, true);
    check.abort.abort();
    return true;
  }

  #failed(check: Running, error: unknown): void {
    const { code, message, next } = toCoded(error);
    this.#logger.warn({ code, message }, 'a check of the network ended early');
    change(check, { findings: [...check.state.findings, { name: 'check', verdict: 'fail', detail: message, ...(next === undefined ? {} : { next }) }] });
  }
}

// What comes after the end is not told any more.
function change(check: Running, to: Partial<NetCheck>): void {
  if (check.state.doing === undefined) return;
  check.state = { ...check.state, ...to, revision: check.state.revision + 1 };
  check.changed.resolve();
  check.changed = Promise.withResolvers();
}

function end(check: Running, isCancelled: boolean): void {
  if (check.state.doing === undefined) return;
  const { doing: _doing, ...rest } = check.state;
  check.state = { ...rest, isCancelled, revision: rest.revision + 1 };
  check.changed.resolve();
}
