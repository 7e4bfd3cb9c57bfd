export * from './catalog.ts';
export { dataPath, storedBytes, type ShardUse, type StoredFile } from './shard-table.ts';
export { salvage, type Salvaged, type SalvagedRow } from './salvage.ts';
export { putInPlace, setAside, whileMending } from './set-aside.ts';
export type { DerivedShard } from './derived-table.ts';
export type { StoredModelFile } from './model-file-table.ts';
export type { StoredModel } from './model-table.ts';
export { downloadLease, writeLease, type Lease, type LeaseOptions, type LeaseTable } from './lease-table.ts';
export type { Provider, ProviderNews } from './provider-table.ts';
