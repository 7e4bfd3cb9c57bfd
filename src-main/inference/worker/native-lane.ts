import type { LaneHandle, NativeAddon, NativeLaneEvent, StageHandle } from '../../../native/index.d.ts';
import type { ActivationDtype } from '../engine/types.ts';
import type { DecodeLane, LaneFeed, LaneListener, LaneStats, LaneTicket } from '../engine/types.ts';
import { fromNative } from '../errors.ts';

const NOTHING: LaneStats = { frames: 0, computeUs: 0, serialiseUs: 0, waitUs: 0, rings: 0, ringUs: 0, ringInsideUs: 0 };

/** The addon's lane. After `close`, and after a session was left, the listener hears nothing more of it. */
export class NativeLane implements DecodeLane {
  readonly port: number;
  readonly #addon: NativeAddon;
  readonly #lane: LaneHandle;
  readonly #listener: LaneListener;
  #closed = false;

  constructor(addon: NativeAddon, stage: StageHandle, { bindHost, listener }: { readonly bindHost: string; readonly listener: LaneListener }) {
    this.#addon = addon;
    this.#listener = listener;
    this.#lane = coded(() => addon.openLane(stage, bindHost, (event) => this.#onEvent(event)));
    this.port = addon.lanePort(this.#lane);
  }

  busyUs(): number {
    return this.#closed ? 0 : coded(() => this.#addon.laneBusyUs(this.#lane));
  }

  expect(session: number, { id, key }: LaneTicket): void {
    coded(() => this.#addon.laneExpect(this.#lane, session, id, key));
  }

  connect(session: number, { host, port }: { readonly host: string; readonly port: number }, { id, key }: LaneTicket): void {
    coded(() => this.#addon.laneConnect(this.#lane, session, host, port, id, key));
  }

  begin(session: number, run: number, dtype: ActivationDtype): void {
    coded(() => this.#addon.laneBegin(this.#lane, session, run, dtype));
  }

  feed(session: number, run: number, { left, limit, endTokens }: LaneFeed): void {
    coded(() => this.#addon.laneFeed(this.#lane, session, run, { left, limit, endTokens: Int32Array.from(endTokens) }));
  }

  token(session: number, run: number, { token, position }: { readonly token: number; readonly position: number }): void {
    coded(() => this.#addon.laneToken(this.#lane, session, run, token, position));
  }

  limit(session: number, run: number, limit: number): void {
    coded(() => this.#addon.laneLimit(this.#lane, session, run, limit));
  }

  stop(session: number, run: number): void {
    coded(() => this.#addon.laneStop(this.#lane, session, run));
  }

  stats(session: number): LaneStats {
    return this.#closed ? NOTHING : coded(() => this.#addon.laneStats(this.#lane, session));
  }

  leave(session: number): void {
    if (!this.#closed) coded(() => this.#addon.laneLeave(this.#lane, session));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#addon.closeLane(this.#lane);
  }

  #onEvent(event: NativeLaneEvent): void {
    if (this.#closed) return;
    switch (event.kind) {
      case 'up': return this.#listener.onUp(event.session);
      case 'lost': return this.#listener.onLost(event.session, event);
      case 'token': return this.#listener.onToken(event.session, event);
      default: return this.#listener.onHidden(event.session, event);
    }
  }
}

function coded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}
