import { join } from 'node:path';
import { systemClock } from '../../base/index.ts';
import { Contributing, type ContributionInit } from './contributing.ts';
import { Ledger } from './ledger.ts';
import type { MachinePort } from './machine-port.ts';
import { MachineWatch } from './machine-watch.ts';

const ledgerPath = (home: string): string => join(home, 'contribution.json');

/** With what was kept of it in the home; not started. */
export async function openContributing({ machine, ...init }: Omit<ContributionInit, 'ledger' | 'machine'> & { readonly machine: MachinePort }): Promise<Contributing> {
  const { gate: { config }, node: { logger } } = init;
  const ledger = await Ledger.open({ path: ledgerPath(config.home), logger, now: () => systemClock.now() });
  return new Contributing({ ...init, ledger, machine: new MachineWatch(machine) });
}
