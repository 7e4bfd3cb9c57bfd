import { MAX_TRACE_STEPS } from '../options.ts';

/** Bytes of one step in a trace frame. */
export const STEP_BYTES = 24;

const AT_STEP = { position: 0, rows: 4, flags: 6, reserved: 7, ageUs: 8, computeUs: 12, serialiseUs: 16, waitUs: 20 } as const;
const IS_PREFILL = 1;
const IS_LANE = 2;
const IS_DRAFT = 4;
const MAX_US = 0xffff_ffff;

/** What one frame's rows took on one stage. */
export interface StepRecord {
  /** Of the first row. */
  readonly position: number;
  readonly rows: number;
  /** Part of the prompt. */
  readonly isPrefill: boolean;
  /** Computed in the lane. */
  readonly isLane: boolean;
  /** Computed from a guessed token, before that was sampled. */
  readonly isDraft: boolean;
  /** From the end of the pass until this was written: the stage's own clock, so that no clock is told. */
  readonly ageUs: number;
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
}

/** The newest MAX_TRACE_STEPS of `steps`. */
export function encodeSteps(steps: readonly StepRecord[]): Uint8Array {
  const kept = steps.slice(-MAX_TRACE_STEPS);
  const bytes = Buffer.alloc(kept.length * STEP_BYTES);
  kept.forEach((step, i) => {
    const at = i * STEP_BYTES;
    bytes.writeUInt32LE(step.position, at + AT_STEP.position);
    bytes.writeUInt16LE(step.rows, at + AT_STEP.rows);
    bytes[at + AT_STEP.flags] = (step.isPrefill ? IS_PREFILL : 0) | (step.isLane ? IS_LANE : 0) | (step.isDraft ? IS_DRAFT : 0);
    for (const field of ['ageUs', 'computeUs', 'serialiseUs', 'waitUs'] as const) bytes.writeUInt32LE(Math.min(MAX_US, Math.max(0, Math.round(step[field]))), at + AT_STEP[field]);
  });
  return bytes;
}

/** Of a payload whose length was checked with its frame. Unknown flags are ignored. */
export function decodeSteps(payload: Uint8Array): StepRecord[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const us = (at: number): number => view.getUint32(at, true);
  return Array.from({ length: Math.floor(payload.length / STEP_BYTES) }, (_, i) => {
    const at = i * STEP_BYTES;
    const flags = view.getUint8(at + AT_STEP.flags);
    return {
      position: us(at + AT_STEP.position), rows: view.getUint16(at + AT_STEP.rows, true), isPrefill: (flags & IS_PREFILL) !== 0, isLane: (flags & IS_LANE) !== 0, isDraft: (flags & IS_DRAFT) !== 0,
      ageUs: us(at + AT_STEP.ageUs), computeUs: us(at + AT_STEP.computeUs), serialiseUs: us(at + AT_STEP.serialiseUs), waitUs: us(at + AT_STEP.waitUs),
    };
  });
}
