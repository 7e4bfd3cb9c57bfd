import type { HostService } from '../api/index.ts';
import type { Unsubscribe } from '../base/index.ts';
import type { HoldReason } from '../../src-preload/bridge/index.ts';

export interface ContributeState {
  readonly isOn: boolean;
  /** Unix ms; absent while it is not paused by the user. */
  readonly pausedUntilMs?: number;
  /** Why it holds still although it is on. */
  readonly heldBy?: 'battery' | 'activity' | 'schedule' | 'heat';
}

/** What the shell needs of contributing; whoever contributes gives it. */
export interface ContributeSwitch {
  state(): ContributeState;
  set(isOn: boolean): Promise<void>;
  /** For so long; 0 ends a pause. */
  pause(forMs: number): Promise<void>;
  onChange(listener: () => void): Unsubscribe;
}

const HELD_BY: Readonly<Record<HoldReason, ContributeState['heldBy']>> = { 'paused': undefined, 'schedule': 'schedule', 'battery': 'battery', 'in-use': 'activity', 'busy': 'activity', 'hot': 'heat' };

/** Undefined on a host that gives nothing to others. */
export function contributeSwitch({ contribute, events }: Pick<HostService, 'contribute' | 'events'>): ContributeSwitch | undefined {
  if (contribute === undefined) return undefined;
  return {
    state: () => {
      const { isOn, hold } = contribute.get();
      const heldBy = hold === undefined ? undefined : HELD_BY[hold.reason];
      return {
        isOn, ...(hold?.reason === 'paused' && hold.until !== undefined ? { pausedUntilMs: hold.until } : {}), ...(heldBy === undefined ? {} : { heldBy }),
      };
    },
    set: async (isOn) => void await contribute.set({ isOn }),
    pause: async (forMs) => void await (forMs === 0 ? contribute.resume() : contribute.pause(forMs)),
    onChange: (listener) => events.on('contribution', listener),
  };
}
