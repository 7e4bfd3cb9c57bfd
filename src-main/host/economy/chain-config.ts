import type { ChainConfig } from '../../chain/index.ts';
import type { HostConfig } from '../config.ts';

/** Undefined: SUM is not used at all. */
export function chainConfigOf({ chain }: Pick<HostConfig, 'chain'>): ChainConfig | undefined {
  if (chain === 'off') return undefined;
  return chain === 'embedded' ? { kind: 'embedded' } : chain;
}
