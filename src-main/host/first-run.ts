import { existsSync } from 'node:fs';
import type { SetupService } from '../api/index.ts';
import type { ReachChoice } from '../../src-preload/bridge/index.ts';
import { fixedFacts } from './capability/read-machine.ts';
import { configPath, type ConfigSource, type HostConfig } from './config.ts';
import { updateConfigFile } from './config-file.ts';
import type { Contributing } from './contribute/contributing.ts';
import { keysOf } from './contribute/limits.ts';
import { zoneKeyAt, zoneKeyPath } from './mesh-zone.ts';
import { newZone } from './zone-admin.ts';

/** Of the machine's memory, for others. */
const SHARE_OF_MEMORY = 0.25;
const STEP_BYTES = 500_000_000;

/** Keys of the configuration; on the network a node is found there too. */
const REACH: Readonly<Record<ReachChoice, ConfigSource>> = {
  machine: {}, local: { zone: 'local', mdns: true }, private: { zone: 'private', mdns: true }, public: { zone: 'public', mdns: true },
};

/** The first choices on a machine. They are due until this home has a configuration, whoever wrote it. */
export function setupService(config: HostConfig, contributing: Pick<Contributing, 'apply' | 'get'>): SetupService {
  const { ramTotalBytes, cores = 1 } = fixedFacts();
  const memoryBytes = ramTotalBytes === undefined ? null : Math.max(STEP_BYTES, Math.floor(ramTotalBytes * SHARE_OF_MEMORY / STEP_BYTES) * STEP_BYTES);
  return {
    get: () => {
      const { machine, limits } = contributing.get();
      return { isDue: !existsSync(configPath(config.home)), machine, suggested: { ...limits, memoryBytes, threads: Math.max(1, Math.floor(cores / 2)) } };
    },
    finish: async ({ name, isOn, limits, reach }) => {
      // The key first: a private zone without one would not start.
      if (reach === 'private' && await zoneKeyAt(zoneKeyPath(config)) === undefined) await newZone(config);
      await contributing.apply({ ...keysOf({ isOn, limits }), ...(name === undefined ? {} : { name }) });
      await updateConfigFile(config.home, (source) => ({ ...source, ...REACH[reach] }));
      return { needsRestart: reach !== 'machine' && (reach !== config.zone || !config.mdns) };
    },
    skip: async () => {
      await updateConfigFile(config.home, (source) => source);
      return {};
    },
  };
}
