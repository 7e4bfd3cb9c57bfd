import type { Heat } from './policy.ts';

/** What the shell knows of the machine and Node does not; absent or undefined: it cannot be known there. */
export interface MachinePort {
  /** Since somebody touched keyboard or mouse. */
  idleMs?(): number | undefined;
  heat?(): Heat | undefined;
  isOnBattery?(): boolean | undefined;
}
