import { NO_LANE_STATS, type LaneStats } from '../../inference/index.ts';
import type { SpentStats, StageStats } from '../wire/schema.ts';

/** Sums for one run of one session; durations in µs of this node's monotonic clock. */
export class StepStats {
  readonly #prefill = zero();
  readonly #decode = zero();
  readonly #ring = { count: 0, totalUs: 0, insideUs: 0 };

  add(isPrefill: boolean, rows: number, spent: { readonly computeUs: number; readonly serialiseUs: number; readonly waitUs: number }): void {
    const sum = isPrefill ? this.#prefill : this.#decode;
    sum.frames++;
    sum.rows += rows;
    sum.computeUs += spent.computeUs;
    sum.serialiseUs += spent.serialiseUs;
    sum.waitUs += spent.waitUs;
  }

  /** One time round: from our send to the token's arrival, and what the other stages say they spent of it. */
  addRing(totalUs: number, insideUs: number): void {
    this.#ring.count++;
    this.#ring.totalUs += totalUs;
    this.#ring.insideUs += insideUs;
  }

  /** With what went by the lane: one row per frame. */
  snapshot(lane: LaneStats = NO_LANE_STATS): StageStats {
    const decode = this.#decode;
    return {
      prefill: { ...this.#prefill },
      decode: {
        frames: decode.frames + lane.frames, rows: decode.rows + lane.frames,
        computeUs: decode.computeUs + lane.computeUs, serialiseUs: decode.serialiseUs + lane.serialiseUs, waitUs: decode.waitUs + lane.waitUs,
      },
      ring: { count: this.#ring.count + lane.rings, totalUs: this.#ring.totalUs + lane.ringUs, insideUs: this.#ring.insideUs + lane.ringInsideUs },
    };
  }
}

const zero = (): { -readonly [K in keyof SpentStats]: number } => ({ frames: 0, rows: 0, computeUs: 0, serialiseUs: 0, waitUs: 0 });
