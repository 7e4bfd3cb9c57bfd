import type { ComingFile, Lease } from '../catalog/index.ts';
import type { StoreContext } from './context.ts';
import { makeRoomFor, shortage } from './room.ts';

/**
 * Keeps room for files before they are begun, at the cost of what was not used for longest: what they will take counts to
 * the quota and on the disk from now on, for all processes, until it is released or this process ends. What is there of
 * them already, or reserved by somebody else, counts once. Throws SPACE_QUOTA, SPACE_DISK_FULL: then nothing is kept.
 */
export async function reserve(context: StoreContext, files: readonly ComingFile[]): Promise<Lease> {
  for (let isCleared = false; ; isCleared = true) {
    const freeBytes = await context.files.freeBytes(context.shardFolder);
    const lease = context.catalog.transaction(() => {
      const { overQuota, overDisk } = shortage(context, files, freeBytes);
      // A disk may take a while to count what was removed.
      return overQuota > 0 || (overDisk > 0 && !isCleared) ? undefined : context.catalog.reservations.take(files);
    });
    if (lease !== undefined) return lease;
    await makeRoomFor(context, files);
  }
}
