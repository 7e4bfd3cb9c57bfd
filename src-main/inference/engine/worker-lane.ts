import { toCoded } from '../../base/index.ts';
import type { LaneAnswer, LaneCall } from '../protocol/messages.ts';
import { NO_LANE_STATS, NO_LANE_STEPS, type DecodeLane, type LaneFeed, type LaneListener, type LaneStats, type LaneSteps, type LaneTicket, type Speculation } from './lane.ts';
import type { StageDtypes } from './types.ts';
import type { WorkerClient } from './worker-client.ts';

type Side = 'own' | 'next';

/** The lane of a stage in a worker: calls go over the channel in order, and nobody waits for them. */
export class WorkerLane implements DecodeLane {
  readonly port: number;
  readonly #client: WorkerClient;
  readonly #listener: LaneListener;
  #busyUs = 0;

  constructor(client: WorkerClient, port: number, listener: LaneListener) {
    this.#client = client;
    this.port = port;
    this.#listener = listener;
  }

  /** As of the last time it was asked: the worker is asked anew each time. */
  busyUs(): number {
    this.#client.call('lane', { call: 'busy' }).then((busyUs) => (this.#busyUs = Number(busyUs)), () => (this.#busyUs = 0));
    return this.#busyUs;
  }

  async expect(session: number, ticket: LaneTicket): Promise<void> {
    await this.#client.call('lane', { call: 'expect', session, ...ticket });
  }

  connect(session: number, to: { readonly host: string; readonly port: number }, ticket: LaneTicket): void {
    this.#post('next', { call: 'connect', session, ...to, ...ticket });
  }

  begin(session: number, run: number, { takes, sends }: StageDtypes): void {
    this.#post('own', { call: 'begin', session, run, takes, sends });
  }

  speculate(session: number, how: Speculation): void {
    this.#post('own', { call: 'speculate', session, how });
  }

  feed(session: number, run: number, { left, limit, endTokens, guess = [] }: LaneFeed): void {
    this.#post('own', { call: 'feed', session, run, left, limit, endTokens: [...endTokens], guess: [...guess] });
  }

  token(session: number, run: number, { token, position }: { readonly token: number; readonly position: number }): void {
    this.#post('own', { call: 'token', session, run, token, position });
  }

  limit(session: number, run: number, limit: number): void {
    this.#post('own', { call: 'limit', session, run, limit });
  }

  stop(session: number, run: number): void {
    this.#post('own', { call: 'stop', session, run });
  }

  // A worker that is gone has no figures; that it is gone, its engine tells.
  stats(session: number): Promise<LaneStats> {
    return this.#client.call('lane', { call: 'stats', session }).then((stats) => (isStats(stats) ? stats : NO_LANE_STATS), () => NO_LANE_STATS);
  }

  steps(session: number): Promise<LaneSteps> {
    return this.#client.call('lane', { call: 'steps', session }).then((steps) => (isSteps(steps) ? steps : NO_LANE_STEPS), () => NO_LANE_STEPS);
  }

  leave(session: number): void {
    this.#client.call('lane', { call: 'leave', session }).catch(() => undefined);
  }

  #post(side: Side, call: Extract<LaneCall, { session: number }>): void {
    this.#client.call('lane', call).catch((error: unknown) => this.#listener.onLost(call.session, { side, wasUp: side === 'own', detail: toCoded(error).message }));
  }
}

const isSteps = (answer: LaneAnswer): answer is LaneSteps => typeof answer === 'object' && answer !== null && 'steps' in answer;
const isStats = (answer: LaneAnswer): answer is LaneStats => typeof answer === 'object' && answer !== null && 'rings' in answer;
