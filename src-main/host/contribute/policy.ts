import { windowEnd, windowStart, type Window } from './schedule.ts';

/** As Electron names it. */
export type Heat = 'nominal' | 'fair' | 'serious' | 'critical';

/** What is known of the machine at this moment; absent: it cannot be known here, and is not taken into account. */
export interface MachineNow {
  readonly isOnBattery?: boolean | undefined;
  /** Since somebody touched keyboard or mouse. */
  readonly idleMs?: number | undefined;
  /** Share of all processors that other programs use, 0 to 1. */
  readonly othersLoad?: number | undefined;
  readonly heat?: Heat | undefined;
}

/** When the owner lets others compute here. */
export interface WhenLimits {
  readonly onlyOnPower: boolean;
  readonly afterIdleMs: number | undefined;
  readonly maxLoad: number | undefined;
  /** Empty: at any time. */
  readonly schedule: readonly Window[];
}

export type HoldReason = 'paused' | 'schedule' | 'battery' | 'in-use' | 'busy' | 'hot';
export type Decision =
  | { readonly kind: 'off' }
  | { readonly kind: 'serve' }
  /** `until`, unix ms: when that ends by itself. */
  | { readonly kind: 'hold'; readonly reason: HoldReason; readonly until?: number };

export interface PolicyInput {
  readonly isOn: boolean;
  /** Unix ms. */
  readonly pausedUntil: number | undefined;
  readonly limits: WhenLimits;
  readonly machine: MachineNow;
  /** What was decided last: what holds lets go a little later than it took hold, so that it does not flutter. */
  readonly before?: Decision | undefined;
}

/** Others' load must have fallen to this part of the limit before it is served again. */
const CALMER = 0.75;

/** Whether this machine computes for others at `now`. Pure. */
export function decide({ isOn, pausedUntil, limits, machine, before }: PolicyInput, now: Date): Decision {
  if (!isOn) return { kind: 'off' };
  if (pausedUntil !== undefined && pausedUntil > now.getTime()) return hold('paused', pausedUntil);
  if (limits.schedule.length > 0 && windowEnd(limits.schedule, now) === undefined) return hold('schedule', windowStart(limits.schedule, now));
  const reason = against(limits, machine, before);
  return reason === undefined ? { kind: 'serve' } : hold(reason);
}

/** What of the machine speaks against it now. */
function against(limits: WhenLimits, { isOnBattery, heat, idleMs = Infinity, othersLoad = 0 }: MachineNow, before: Decision | undefined): HoldReason | undefined {
  if (limits.onlyOnPower && isOnBattery === true) return 'battery';
  if (isTooHot(heat, was(before, 'hot'))) return 'hot';
  if (idleMs < (limits.afterIdleMs ?? 0)) return 'in-use';
  return othersLoad > (limits.maxLoad ?? Infinity) * (was(before, 'busy') ? CALMER : 1) ? 'busy' : undefined;
}

const hold = (reason: HoldReason, until?: number): Decision => ({ kind: 'hold', reason, ...(until === undefined ? {} : { until }) });
const was = (before: Decision | undefined, reason: HoldReason): boolean => before?.kind === 'hold' && before.reason === reason;
const isTooHot = (heat: Heat | undefined, wasHot: boolean): boolean => heat === 'serious' || heat === 'critical' || (wasHot && heat === 'fair');
