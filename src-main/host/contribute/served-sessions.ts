import type { OpenedSession, ServedSession } from '../../pipeline/index.ts';

export interface LastServed extends OpenedSession {
  /** Unix ms. */
  readonly endedAt: number;
}

/** Whom this node computes for now, and whom it did last: known with the event that tells it, however short a session is; figures follow when they were counted. */
export class ServedSessions {
  #now: readonly ServedSession[] = [];
  #last: LastServed | undefined;
  /** Of changes: what was asked before one is not true after it. */
  #version = 0;

  get now(): readonly ServedSession[] {
    return this.#now;
  }

  get last(): LastServed | undefined {
    return this.#last;
  }

  opened({ session, coordinator, modelHash, layers, openedAt }: OpenedSession): void {
    this.#change([...this.#now, { session, coordinator, modelHash, layers, openedAt, rows: 0, runRows: 0 }]);
  }

  closed({ session, coordinator, modelHash, layers, openedAt }: OpenedSession, endedAt: number): void {
    this.#change(this.#now.filter((one) => one.session !== session || one.layers.first !== layers.first));
    this.#last = { session, coordinator, modelHash, layers, openedAt, endedAt };
  }

  /** As they are counted now; undefined where others began or ended meanwhile, and a later look tells. */
  async count(ask: () => Promise<readonly ServedSession[]>): Promise<readonly ServedSession[] | undefined> {
    const version = this.#version += 1;
    const counted = await ask();
    if (version !== this.#version) return undefined;
    return this.#now = counted;
  }

  #change(now: readonly ServedSession[]): void {
    this.#version += 1;
    this.#now = now;
  }
}
