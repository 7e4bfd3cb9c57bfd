export * from './attachment-service.ts';
export * from './model-reader.ts';
export * from './rank-passages.ts';
