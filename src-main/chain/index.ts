export type * from './types.ts';
export * from './wallet/index.ts';
