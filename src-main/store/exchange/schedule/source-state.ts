import { bitmapBytes } from './holdings.ts';

/** Share of the newest measurement in a source's speed. */
const NEW_SHARE = 0.3;

interface Ask {
  readonly askedMs: number;
  /** Counts for the leaf: false once the source stalled and the leaf was given up to others. */
  isLive: boolean;
}

/** What the schedule knows of one source. Leaves are numbered over all shards. */
export class SourceState {
  readonly id: string;
  readonly holds: Uint8Array;
  /** In the order in which they were asked. */
  readonly asks = new Map<number, Ask>();
  isStalled = false;
  /** Bytes per ms, undefined until the first leaf came. */
  speed: number | undefined;
  /** Wanted leaves that it holds, rarest first, as of `epoch`. */
  order = new Uint32Array(0);
  cursor = 0;
  epoch = -1;
  #heardMs: number;
  #deliveredMs: number;

  constructor(id: string, leaves: number, nowMs: number) {
    this.id = id;
    this.holds = new Uint8Array(bitmapBytes(leaves));
    this.#heardMs = nowMs;
    this.#deliveredMs = nowMs;
  }

  ask(leaf: number, nowMs: number): void {
    // Silence while nothing was asked is no stall, and no slowness.
    if (this.asks.size === 0) this.#heardMs = this.#deliveredMs = nowMs;
    this.asks.set(leaf, { askedMs: nowMs, isLive: true });
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.isStalled = false;
  }

  silentMs(nowMs: number): number {
    return this.asks.size === 0 ? 0 : nowMs - this.#heardMs;
  }

  /** Ends an ask; `sizeBytes` when it was answered. */
  settle(leaf: number, nowMs: number, sizeBytes?: number): Ask | undefined {
    const ask = this.asks.get(leaf);
    this.asks.delete(leaf);
    if (ask === undefined || sizeBytes === undefined) return ask;
    const spentMs = Math.max(0.01, nowMs - Math.max(ask.askedMs, this.#deliveredMs));
    // Many small times, one large one: what counts is time per byte, so that one burst does not make a slow source fast.
    const msPerByte = spentMs / sizeBytes;
    this.speed = this.speed === undefined ? 1 / msPerByte : 1 / ((1 - NEW_SHARE) / this.speed + NEW_SHARE * msPerByte);
    this.#deliveredMs = nowMs;
    return ask;
  }

  /** When what it was asked, and `more` bytes on top, would be here: ms from now. Undefined while its speed is not known. */
  etaMs(waitingBytes: number, nowMs: number): number | undefined {
    if (this.speed === undefined) return undefined;
    // A source that is silent for longer than its speed promises is slower than that.
    const overdueMs = this.asks.size === 0 ? 0 : nowMs - this.#deliveredMs;
    return Math.max(waitingBytes / this.speed, overdueMs);
  }
}
