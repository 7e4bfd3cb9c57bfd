import { downloadLease, writeLease, type Catalog } from '../catalog/index.ts';
import { partsOf } from '../gguf/parts.ts';

/** A file that a process downloads at this moment, or another part of the same model. */
const isDownloading = ({ leases }: Pick<Catalog, 'leases'>, path: string): boolean => partsOf(path).some((part) => leases.isHeld(downloadLease(part)));

/** Whether bytes that are not in this file yet, or wrong there, are on their way. */
export const isArriving = (catalog: Pick<Catalog, 'leases'>, paths: Iterable<string>): boolean => [...paths].some((path) => isDownloading(catalog, path));

/** Whether what is not here of a shard is on its way: it is being fetched, or is of a model whose download has brought other shards of it. */
export const isComing = (catalog: Pick<Catalog, 'leases' | 'derived'>, cid: string): boolean =>
  catalog.leases.isHeld(writeLease(cid)) || isArriving(catalog, catalog.derived.filesBeside(cid));
