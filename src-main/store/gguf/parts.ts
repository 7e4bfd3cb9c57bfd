/** A file of a model that lies in several, as llama.cpp's gguf-split names them: `name-00001-of-00003.gguf`. */
export interface PartName {
  readonly stem: string;
  /** Counted from 1. */
  readonly part: number;
  readonly parts: number;
}

/** More than any model published has; a bound for what a name can make us ask for. */
export const MAX_PARTS = 1_024;

/** Undefined for a model in one file. */
export function partName(path: string): PartName | undefined {
  const match = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i.exec(path);
  const [stem = '', part, parts] = [match?.[1], Number(match?.[2]), Number(match?.[3])];
  return match !== null && part >= 1 && part <= parts && parts <= MAX_PARTS ? { stem, part, parts } : undefined;
}

/** All files of the model that `path` belongs to, in order. */
export function partsOf(path: string): string[] {
  const name = partName(path);
  if (name === undefined) return [path];
  const number = (value: number): string => String(value).padStart(5, '0');
  return Array.from({ length: name.parts }, (_, index) => `${name.stem}-${number(index + 1)}-of-${number(name.parts)}${path.slice(-5)}`);
}
