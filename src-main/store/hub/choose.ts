import { partName, partsOf } from '../gguf/parts.ts';
import { hubErrors } from './errors.ts';
import type { HubFile } from './hub-api.ts';
import type { ModelReference } from './reference.ts';

/** A model of a repository: its files in order. */
export interface HubChoice {
  /** File name without parts and `.gguf`. */
  readonly name: string;
  readonly files: readonly HubFile[];
  readonly sizeBytes: number;
}

/** Projectors, importance matrices and drafts are no models to run alone. */
const COMPANION = /(?:^|[-_./])(?:mmproj|imatrix)(?:[-_.]|$)/i;

/** The models that a list of files holds; a model with parts missing is left out. */
export function choicesOf(files: readonly HubFile[]): HubChoice[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.flatMap(({ path }) => {
    const part = partName(path);
    if (COMPANION.test(path) || (part !== undefined && part.part !== 1)) return [];
    const parts = partsOf(path).flatMap((name) => byPath.get(name) ?? []);
    if (parts.length !== (part?.parts ?? 1)) return [];
    return { name: part?.stem ?? path.slice(0, -'.gguf'.length), files: parts, sizeBytes: parts.reduce((bytes, file) => bytes + file.sizeBytes, 0) };
  });
}

/** The one model that a reference means. Throws HUB_NO_MODEL_FILES, HUB_CHOOSE_FILE, HUB_NO_SUCH_FILE, HUB_MISSING_PART. */
export function chooseModel(reference: Extract<ModelReference, { kind: 'hub' }>, files: readonly HubFile[]): HubChoice {
  const { repo, file, variant } = reference;
  const choices = choicesOf(files);
  const names = choices.map(({ name }) => name);
  if (file !== undefined) return chooseFile(file, files, { repo, choices: names });
  if (choices.length === 0) throw hubErrors.noModelFiles({ repo });
  const matching = variant === undefined ? choices : choices.filter(({ name }) => hasVariant(name, variant));
  const [first, ...others] = matching;
  if (first === undefined) throw hubErrors.noSuchFile({ repo, wanted: variant ?? '', choices: names });
  if (others.length > 0) throw hubErrors.chooseFile({ repo, choices: matching.map(({ name }) => name) });
  return first;
}

function chooseFile(file: string, files: readonly HubFile[], { repo, choices }: { readonly repo: string; readonly choices: readonly string[] }): HubChoice {
  if (!files.some(({ path }) => path === file)) throw hubErrors.noSuchFile({ repo, wanted: file, choices });
  const paths = partsOf(file);
  const found = paths.map((path) => files.find((one) => one.path === path) ?? missing(path, paths.length));
  return { name: partName(file)?.stem ?? file.slice(0, -'.gguf'.length), files: found, sizeBytes: found.reduce((bytes, one) => bytes + one.sizeBytes, 0) };
}

function missing(name: string, parts: number): never {
  throw hubErrors.missingPart({ name, parts });
}

/** `Q4_K` must not find Q4_K_M: a variant ends where the name or a part of it does. */
export function hasVariant(name: string, variant: string): boolean {
  const at = name.toLowerCase().lastIndexOf(variant.toLowerCase());
  const [before, after] = [name[at - 1], name[at + variant.length]];
  return at >= 0 && (before === undefined || /[-._/]/.test(before)) && (after === undefined || /[-./]/.test(after));
}
