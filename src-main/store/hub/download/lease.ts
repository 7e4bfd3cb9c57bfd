import { isCoded } from '../../../base/index.ts';
import { downloadLease, type Lease, type LeaseTable } from '../../catalog/index.ts';
import { hubErrors } from '../errors.ts';

export type DownloadLeases = Pick<LeaseTable, 'take'>;

/**
 * One process at a time writes a partial file. The lease is taken in a transaction of the catalogue, where that of a
 * process which is gone counts for nothing: of any number that come at once, one gets it. Throws HUB_BUSY, CATALOG_*.
 */
export function takeDownload(leases: DownloadLeases, target: string): Lease {
  try {
    return leases.take(downloadLease(target), { isExclusive: true });
  } catch (error) {
    if (!isCoded(error, 'CATALOG_IN_USE')) throw error;
    throw hubErrors.busy({ path: target, pid: Number(error.meta['pid']) }, error);
  }
}
