import type { MenuItemConstructorOptions } from 'electron';
import type { ContributeState } from './contribute-switch.ts';

export const PAUSE_MS = 3_600_000;

export interface TrayActions {
  show(): void;
  quit(): void;
  contribute(isOn: boolean): void;
  /** 0 ends a pause. */
  pause(forMs: number): void;
}

interface TrayMenuInit {
  /** Undefined on a node that cannot contribute. */
  readonly contribute: ContributeState | undefined;
  readonly nowMs: number;
  readonly actions: TrayActions;
}

/** The menu of the icon beside the clock. */
export function trayMenu({ contribute, nowMs, actions }: TrayMenuInit): MenuItemConstructorOptions[] {
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  return [
    { label: 'Show OmniNode', click: () => actions.show() },
    ...(contribute === undefined ? [] : [separator, ...contributeItems(contribute, { nowMs, actions })]),
    separator,
    { label: 'Quit OmniNode', click: () => actions.quit() },
  ];
}

function contributeItems(state: ContributeState, { nowMs, actions }: Pick<TrayMenuInit, 'nowMs' | 'actions'>): MenuItemConstructorOptions[] {
  const pause: MenuItemConstructorOptions = isPaused(state, nowMs) ? { label: 'Go on contributing', click: () => actions.pause(0) } : { label: 'Pause for 1 hour', enabled: state.isOn, click: () => actions.pause(PAUSE_MS) };
  return [
    { label: contributeText(state, nowMs), enabled: false },
    { label: 'Contribute', type: 'checkbox', checked: state.isOn, click: () => actions.contribute(!state.isOn) },
    pause,
  ];
}

const isPaused = ({ isOn, pausedUntilMs }: ContributeState, nowMs: number): boolean => isOn && pausedUntilMs !== undefined && pausedUntilMs > nowMs;

const HELD: Readonly<Record<NonNullable<ContributeState['heldBy']>, string>> = { battery: 'on battery', activity: 'you are using this machine', schedule: 'not at this hour', heat: 'this machine is hot' };

/** How it is with contributing, in one line. */
function contributeText(state: ContributeState, nowMs: number): string {
  if (!state.isOn) return 'Not contributing';
  const { pausedUntilMs = 0, heldBy } = state;
  if (isPaused(state, nowMs)) return `Paused for ${Math.ceil((pausedUntilMs - nowMs) / 60_000)} min`;
  return heldBy === undefined ? 'Contributing' : `Waiting: ${HELD[heldBy]}`;
}
