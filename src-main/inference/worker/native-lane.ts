import type { LaneHandle, NativeAddon, StageHandle } from '../../../native/index.d.ts';
import { NO_LANE_STATS, NO_LANE_STEPS, tellListener, type DecodeLane, type LaneFeed, type LaneListener, type LaneStats, type LaneSteps, type LaneTicket, type Speculation } from '../engine/lane.ts';
import type { StageDtypes } from '../engine/types.ts';
import { fromNative } from '../errors.ts';

/** The addon's lane. After `close`, the listener hears nothing more. */
export class NativeLane implements DecodeLane {
  readonly port: number;
  readonly #addon: NativeAddon;
  readonly #lane: LaneHandle;
  readonly #listener: LaneListener;
  #closed = false;

  /** @throws ENGINE_NO_LANE */
  constructor(addon: NativeAddon, stage: StageHandle, { bindHost, listener }: { readonly bindHost: string; readonly listener: LaneListener }) {
    this.#addon = addon;
    this.#listener = listener;
    try {
      this.#lane = addon.openLane(stage, bindHost, (event) => void (this.#closed || tellListener(listener, event)));
    } catch (error) {
      throw fromNative(error);
    }
    this.port = addon.lanePort(this.#lane);
  }

  busyUs(): number {
    return this.#closed ? 0 : this.#addon.laneBusyUs(this.#lane);
  }

  expect(session: number, { id, key }: LaneTicket): Promise<void> {
    try {
      if (!this.#closed) this.#addon.laneExpect(this.#lane, session, id, key);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(fromNative(error));
    }
  }

  connect(session: number, { host, port }: { readonly host: string; readonly port: number }, { id, key }: LaneTicket): void {
    this.#try({ session, side: 'next' }, () => this.#addon.laneConnect(this.#lane, session, host, port, id, key));
  }

  begin(session: number, run: number, { takes, sends }: StageDtypes): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneBegin(this.#lane, session, run, takes, sends));
  }

  speculate(session: number, how: Speculation): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneSpeculate(this.#lane, session, how === 'always'));
  }

  feed(session: number, run: number, { left, limit, endTokens, guess = [] }: LaneFeed): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneFeed(this.#lane, session, run, { left, limit, endTokens: Int32Array.from(endTokens), guess: Int32Array.from(guess) }));
  }

  token(session: number, run: number, { token, position }: { readonly token: number; readonly position: number }): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneToken(this.#lane, session, run, token, position));
  }

  limit(session: number, run: number, limit: number): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneLimit(this.#lane, session, run, limit));
  }

  stop(session: number, run: number): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneStop(this.#lane, session, run));
  }

  stats(session: number): Promise<LaneStats> {
    return Promise.resolve(this.#closed ? NO_LANE_STATS : this.#addon.laneStats(this.#lane, session));
  }

  steps(session: number): Promise<LaneSteps> {
    return Promise.resolve(this.#closed ? NO_LANE_STEPS : this.#addon.laneSteps(this.#lane, session));
  }

  leave(session: number): void {
    this.#try({ session, side: 'own' }, () => this.#addon.laneLeave(this.#lane, session));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#addon.closeLane(this.#lane);
  }

  #try({ session, side }: { readonly session: number; readonly side: 'own' | 'next' }, call: () => unknown): void {
    if (this.#closed) return;
    try {
      call();
    } catch (error) {
      this.#listener.onLost(session, { side, wasUp: side === 'own', detail: fromNative(error).message });
    }
  }
}
