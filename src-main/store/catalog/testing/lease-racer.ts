import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { isCoded } from '../../../base/index.ts';
import { Catalog } from '../catalog.ts';
import type { Lease } from '../lease-table.ts';

/** Takes one lease alone, again and again, and ends without letting go of it. Exit code 3: two had it at once. */
const [path = '', marker = '', rounds = ''] = process.argv.slice(2);
const { leases } = new Catalog(path);
process.send?.('ready');
await new Promise((resolve) => process.once('message', resolve));

for (let held = 0; held < Number(rounds);) {
  const lease = attempt();
  if (lease === undefined) continue;
  held++;
  if (existsSync(marker)) process.exit(3);
  writeFileSync(marker, String(process.pid), { flag: 'wx' });
  rmSync(marker);
  // The last one is left to the others, as a crash does.
  if (held === Number(rounds)) process.kill(process.pid, 'SIGKILL');
  lease.release();
}

function attempt(): Lease | undefined {
  try {
    return leases.take('x', { isExclusive: true });
  } catch (error) {
    if (isCoded(error, 'CATALOG_IN_USE')) return undefined;
    throw error;
  }
}
