import type { ComingFile } from '../catalog/index.ts';
import { spaceErrors } from '../errors.ts';
import type { StoreContext } from './context.ts';
import { evictableBytes, evictBytes, NOTHING } from './evict.ts';
import { unfinishedFiles, type UnfinishedFile } from './unfinished.ts';

/** What stays free on the disk whatever is stored: a full disk stops more than us. */
export const DISK_MARGIN_BYTES = 256 * 1024 * 1024;

/** Of the unfinished files, named in an error. */
const MOST_NAMED = 5;

interface Usage {
  /** All that counts to the quota. */
  readonly usedBytes: number;
  /** Of that, promised to files under way and not written yet. */
  readonly reservedBytes: number;
  readonly unfinished: readonly UnfinishedFile[];
  /** By path, what counts and what lies there. */
  readonly byPath: ReadonlyMap<string, { readonly countedBytes: number; readonly storedBytes: number }>;
}

/** Files of ours, whole and unfinished, and what was promised to those that are to come. */
export function usageOf(context: StoreContext): Usage {
  const files = context.catalog.shards.files();
  const active = context.catalog.reservations.active();
  const unfinished = unfinishedFiles(context, files);
  // A file that is to be replaced by another version of it takes the room of the larger one.
  const whole = files.filter(({ isOwned, present }) => isOwned && present === undefined)
    .map(({ path, sizeBytes }) => ({ path, storedBytes: sizeBytes, countedBytes: Math.max(sizeBytes, active.get(path)?.sizeBytes ?? 0) }));
  const all = [...whole, ...unfinished];
  const usedBytes = all.reduce((sum, { countedBytes }) => sum + countedBytes, 0);
  return { usedBytes, reservedBytes: usedBytes - all.reduce((sum, { storedBytes }) => sum + storedBytes, 0), unfinished, byPath: new Map(all.map((file) => [file.path, file])) };
}

/** By how much something is more than the store may hold, and than the disk has; 0 or less when it is not. */
interface Shortage {
  readonly overQuota: number;
  readonly overDisk: number;
}

interface Need {
  /** By the quota, and on the disk where a part may lie already. */
  readonly needBytes: number;
  readonly diskBytes: number;
  /** Paths that are not to be evicted for it. */
  readonly keep?: ReadonlySet<string>;
}

export const shortage = (context: StoreContext, files: readonly ComingFile[], freeBytes: number): Shortage => {
  const usage = usageOf(context);
  return shortageOf(context, needOf(usage, files), { usage, freeBytes });
};

function shortageOf({ quotaBytes }: StoreContext, { needBytes, diskBytes }: Need, { usage, freeBytes }: { readonly usage: Usage; readonly freeBytes: number }): Shortage {
  return {
    overQuota: needBytes === 0 ? 0 : usage.usedBytes + needBytes - quotaBytes,
    overDisk: diskBytes === 0 ? 0 : diskBytes + usage.reservedBytes + DISK_MARGIN_BYTES - freeBytes,
  };
}

function needOf({ byPath }: Usage, files: readonly ComingFile[]): Required<Need> {
  const keep = new Set(files.map(({ path }) => path));
  const largest = new Map(files.toSorted((a, b) => a.sizeBytes - b.sizeBytes).map((file) => [file.path, file.sizeBytes]));
  // What is promised already is kept free on the disk as well.
  const needBytes = [...largest].reduce((sum, [path, sizeBytes]) => sum + Math.max(0, sizeBytes - (byPath.get(path)?.countedBytes ?? 0)), 0);
  return { needBytes, diskBytes: needBytes, keep };
}

/** Makes room for files, but not at the cost of what is there of them. Throws as `makeRoom`. */
export const makeRoomFor = (context: StoreContext, files: readonly ComingFile[]): Promise<void> => makeRoom(context, needOf(usageOf(context), files));

/**
 * Makes room by quota and on the disk, at the cost of what was not used for longest. Throws SPACE_QUOTA,
 * SPACE_DISK_FULL: then what could not help was left alone.
 */
export async function makeRoom(context: StoreContext, need: Need): Promise<void> {
  const { needBytes, diskBytes, keep = NOTHING } = need;
  const { quotaBytes, files, shardFolder } = context;
  const freeBytes = await files.freeBytes(shardFolder);
  const usage = usageOf(context);
  const { overQuota, overDisk } = shortageOf(context, need, { usage, freeBytes });
  const over = Math.max(overQuota, overDisk);
  if (over <= 0) return;
  if (over <= evictableBytes(context, keep) && await evictBytes(context, over, keep) >= over) return;
  const unfinished = usage.unfinished.filter(({ path }) => !keep.has(path)).slice(0, MOST_NAMED).map(({ origin, countedBytes, pid }) => ({ origin, countedBytes, pid }));
  if (overQuota >= overDisk) throw spaceErrors.quota({ needBytes, usedBytes: usage.usedBytes, quotaBytes, unfinished });
  throw spaceErrors.diskFull({ needBytes: diskBytes, freeBytes, reservedBytes: usage.reservedBytes, unfinished });
}
