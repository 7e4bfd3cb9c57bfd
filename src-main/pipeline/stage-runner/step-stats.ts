import { RingLog } from '../../base/index.ts';
import { NO_LANE_STATS, type LaneStats, type LaneSteps } from '../../inference/index.ts';
import { MAX_TRACE_STEPS } from '../options.ts';
import type { PathTiming } from '../wire/frame.ts';
import type { SpentStats, StageStats } from '../wire/schema.ts';
import type { StepRecord } from '../wire/steps.ts';

/** What this stage spent on one frame, and the pass of the engine that it was part of. */
export interface StepTiming extends PathTiming {
  /** When the pass ended, ms of this node's monotonic clock. */
  readonly endMs: number;
  /** Of all sessions together. */
  readonly passRows: number;
  /** Frames that had to wait for the next pass. */
  readonly leftWaiting: number;
}

export interface StepRows {
  readonly position: number;
  readonly rows: number;
  readonly isPrefill: boolean;
}

/** A lane's steps, and when they were told by this node's clock. */
export interface TimedLaneSteps extends LaneSteps {
  readonly toldMs: number;
}

interface LoggedStep extends StepRows, PathTiming {
  readonly endMs: number;
}

/** Sums and the newest steps of one run of one session; durations in µs of this node's monotonic clock. */
export class StepStats {
  readonly #prefill = zero();
  readonly #decode = zero();
  readonly #ring = { count: 0, totalUs: 0, insideUs: 0 };
  readonly #flow = { passes: 0, passRows: 0, bytesOut: 0, mostWaiting: 0 };
  readonly #steps = new RingLog<LoggedStep>(MAX_TRACE_STEPS);

  add({ position, rows, isPrefill }: StepRows, { computeUs, serialiseUs, waitUs, endMs, passRows, leftWaiting }: StepTiming): void {
    const sum = isPrefill ? this.#prefill : this.#decode;
    sum.frames++;
    sum.rows += rows;
    sum.computeUs += computeUs;
    sum.serialiseUs += serialiseUs;
    sum.waitUs += waitUs;
    this.#flow.passes++;
    this.#flow.passRows += passRows;
    this.#flow.mostWaiting = Math.max(this.#flow.mostWaiting, leftWaiting);
    this.#steps.push({ position, rows, isPrefill, endMs, computeUs, serialiseUs, waitUs });
  }

  /** Without those of a lane. */
  get rows(): number {
    return this.#prefill.rows + this.#decode.rows;
  }

  /** Bytes that went to the next stage. */
  sent(bytes: number): void {
    this.#flow.bytesOut += bytes;
  }

  /** One time round: from our send to the token's arrival, and what the other stages say they spent of it. */
  addRing(totalUs: number, insideUs: number): void {
    this.#ring.count++;
    this.#ring.totalUs += totalUs;
    this.#ring.insideUs += insideUs;
  }

  /** With what went by the lane: one row per frame, and per pass. */
  snapshot(lane: LaneStats = NO_LANE_STATS): StageStats {
    const decode = this.#decode;
    const flow = this.#flow;
    return {
      prefill: { ...this.#prefill },
      decode: {
        frames: decode.frames + lane.frames, rows: decode.rows + lane.frames,
        computeUs: decode.computeUs + lane.computeUs, serialiseUs: decode.serialiseUs + lane.serialiseUs, waitUs: decode.waitUs + lane.waitUs,
      },
      ring: { count: this.#ring.count + lane.rings, totalUs: this.#ring.totalUs + lane.ringUs, insideUs: this.#ring.insideUs + lane.ringInsideUs },
      flow: { passes: flow.passes + lane.frames, passRows: flow.passRows + lane.frames, bytesOut: flow.bytesOut + lane.bytesOut, mostWaiting: flow.mostWaiting },
      speculation: { drafted: lane.drafted, accepted: lane.accepted, dropped: lane.dropped },
    };
  }

  /** The newest steps, oldest first, with how long ago each was at `nowMs`. */
  steps(nowMs: number, lane: TimedLaneSteps | undefined): StepRecord[] {
    const ours = this.#steps.toArray().map(({ endMs, ...step }): StepRecord => ({ ...step, isLane: false, isDraft: false, ageUs: (nowMs - endMs) * 1000 }));
    const sinceToldUs = lane === undefined ? 0 : (nowMs - lane.toldMs) * 1000;
    const theirs = (lane?.steps ?? []).map(({ atUs, ...step }): StepRecord => ({ ...step, rows: 1, isPrefill: false, isLane: true, ageUs: (lane?.nowUs ?? 0) - atUs + sinceToldUs }));
    return [...ours, ...theirs].toSorted((a, b) => a.position - b.position);
  }
}

const zero = (): { -readonly [K in keyof SpentStats]: number } => ({ frames: 0, rows: 0, computeUs: 0, serialiseUs: 0, waitUs: 0 });
