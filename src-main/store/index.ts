export { ggufErrors, storeErrors } from './errors.ts';
export * from './gguf/values.ts';
export * from './gguf/tensor-types.ts';
export * from './gguf/writer.ts';
export * from './gguf/source.ts';
export * from './gguf/http-source.ts';
export { GGUF_LIMITS, type GgufLimits } from './gguf/parse.ts';
export * from './gguf/reader.ts';
