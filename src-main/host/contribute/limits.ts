import type { ContributeLimits } from '../../../src-preload/bridge/index.ts';
import type { HostConfig } from '../config.ts';
import { updateConfigFile } from '../config-file.ts';
import type { WhenLimits } from './policy.ts';

type Keys = Pick<HostConfig, 'contribute' | 'contributeMemoryBytes' | 'contributeThreads' | 'contributeGpuLayers' | 'contributeOnlyOnPower' | 'contributeAfterIdleMs' | 'contributeMaxLoad' | 'contributeSchedule' | 'shareStore' | 'uploadBytesPerSecond'>;

export const limitsOf = (config: Keys): ContributeLimits => ({
  memoryBytes: config.contributeMemoryBytes ?? null, threads: config.contributeThreads ?? null, gpuLayers: config.contributeGpuLayers ?? null,
  shareStore: config.shareStore, uploadBytesPerSecond: config.uploadBytesPerSecond ?? null,
  onlyOnPower: config.contributeOnlyOnPower, afterIdleMs: config.contributeAfterIdleMs ?? null, maxLoad: config.contributeMaxLoad ?? null, schedule: config.contributeSchedule,
});

export const whenOf = (config: Keys): WhenLimits =>
  ({ onlyOnPower: config.contributeOnlyOnPower, afterIdleMs: config.contributeAfterIdleMs, maxLoad: config.contributeMaxLoad, schedule: config.contributeSchedule });

export interface ContributeChange {
  readonly isOn?: boolean | undefined;
  readonly limits?: { readonly [K in keyof ContributeLimits]?: ContributeLimits[K] | undefined } | undefined;
}

/** The keys of the configuration that a change names; undefined takes one out of it. */
export function keysOf({ isOn, limits = {} }: ContributeChange): Partial<Record<keyof Keys, unknown>> {
  const keys: Readonly<Record<keyof ContributeLimits, keyof Keys>> = {
    memoryBytes: 'contributeMemoryBytes', threads: 'contributeThreads', gpuLayers: 'contributeGpuLayers', shareStore: 'shareStore', uploadBytesPerSecond: 'uploadBytesPerSecond',
    onlyOnPower: 'contributeOnlyOnPower', afterIdleMs: 'contributeAfterIdleMs', maxLoad: 'contributeMaxLoad', schedule: 'contributeSchedule',
  };
  const named = Object.entries(limits).filter(([, value]) => value !== undefined).map(([name, value]) => [keys[name as keyof ContributeLimits], value ?? undefined]);
  return { ...(isOn === undefined ? {} : { contribute: isOn }), ...Object.fromEntries(named) };
}

/** For the next start of a node that does not run. Throws HOST_BAD_CONFIG. */
export const setContribute = ({ home }: Pick<HostConfig, 'home'>, isOn: boolean): Promise<void> => updateConfigFile(home, (source) => ({ ...source, ...keysOf({ isOn }) }));
