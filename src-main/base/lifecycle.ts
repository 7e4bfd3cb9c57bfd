import { toCoded, type CodedError } from './errors.ts';

/** Anything with an ordered life. `stop` is idempotent and never throws for work already gone. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts services in the order added and stops them in reverse. A failed start
 * stops what already ran, then rethrows, so no half-started host is left.
 */
export class Lifecycle {
  readonly #services: Service[] = [];
  #running: Service[] = [];

  add<S extends Service>(service: S): S {
    this.#services.push(service);
    return service;
  }

  async start(): Promise<void> {
    for (const service of this.#services) {
      try {
        await service.start();
        this.#running.push(service);
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  /** Stops everything even when one service fails; returns the failures. */
  async stop(): Promise<readonly CodedError[]> {
    const failures: CodedError[] = [];
    const services = this.#running.reverse();
    this.#running = [];
    for (const service of services) {
      await service.stop().catch((error: unknown) => failures.push(toCoded(error, 'LIFECYCLE_STOP_FAILED')));
    }
    return failures;
  }
}
