import { join } from 'node:path';
import { unpackedPath } from '../../base/index.ts';
import type { ChainConfig } from '../../chain/index.ts';
import type { HostConfig } from '../config.ts';
import type { AppPaths } from '../paths.ts';

/** Undefined: SUM is not used at all. */
export function chainConfigOf({ chain }: Pick<HostConfig, 'chain'>): ChainConfig | undefined {
  if (chain === 'off') return undefined;
  return chain === 'embedded' ? { kind: 'embedded' } : chain;
}

export const contractsFolder = ({ root }: Pick<AppPaths, 'root'>): string => unpackedPath(join(root, 'resources', 'contracts'));
