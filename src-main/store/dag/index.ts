export * from './shape.ts';
export * from './cid.ts';
export * from './tree.ts';
export * from './leaf-set.ts';
export * from './tree-hasher.ts';
