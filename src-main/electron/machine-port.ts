import type { PowerMonitor } from 'electron';
import type { MachinePort } from '../host/index.ts';

/** What Electron knows of the machine that Node does not. */
export const machinePort = (monitor: Pick<PowerMonitor, 'getSystemIdleTime' | 'getCurrentThermalState' | 'onBatteryPower'>): MachinePort => ({
  idleMs: () => monitor.getSystemIdleTime() * 1000,
  heat: () => {
    const state = monitor.getCurrentThermalState();
    return state === 'unknown' ? undefined : state;
  },
  isOnBattery: () => monitor.onBatteryPower,
});
