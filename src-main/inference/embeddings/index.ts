export * from './errors.ts';
export * from './types.ts';
export { createEmbedder } from './embedder.ts';
export { downloadModel, type DownloadOptions } from './download.ts';
