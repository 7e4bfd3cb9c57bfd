export * from './local-store.ts';
export { HeldReader, type ReadableShard } from './held-reader.ts';
export type { MendReport } from './mend.ts';
export type { RescanOptions, RescanProgress } from './rescan.ts';
export type { DamagedFile, ScrubOptions, ScrubReport } from './scrub.ts';
export { DISK_MARGIN_BYTES } from './room.ts';
export type { UnfinishedFile } from './unfinished.ts';
