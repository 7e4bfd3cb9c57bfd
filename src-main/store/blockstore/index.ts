export * from './shard-file.ts';
export * from './file-blockstore.ts';
