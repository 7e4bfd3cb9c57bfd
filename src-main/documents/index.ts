export * from './errors.ts';
export * from './options.ts';
export { readDocument, type ReadOptions } from './read-document.ts';
export type * from './types.ts';
