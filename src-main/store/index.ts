export { ggufErrors } from './errors.ts';
export * from './gguf/values.ts';
export * from './gguf/tensor-types.ts';
export * from './gguf/writer.ts';
