import { basename } from 'node:path';
import { isCoded } from '../base/index.ts';
import { hasVariant, parseReference, partName, partsOf, type ModelReference, type StoredModelFile } from '../store/index.ts';

/** A whole model, in one file or several, that was downloaded or added by its path. */
export interface LocalModel {
  /** What `--model` takes: the file's name without ending and part number, or more of it where two have the same. */
  readonly name: string;
  /** `hf:owner/repo/file.gguf`, an address or a path. */
  readonly reference: string;
  /** In order; all parts that are here. */
  readonly files: readonly [StoredModelFile, ...StoredModelFile[]];
}

/** Shorter beginnings of a CID would be the same for all. */
const CID_PREFIX_CHARS = 12;

const stemOf = (path: string): string => partName(basename(path))?.stem ?? basename(path).replace(/\.gguf$/i, '');

/** `hf:owner/repo@commit/file` without the commit. */
export const withoutCommit = (origin: string): string => origin.replace(/^(hf:[^@]*)@[^/]*/, '$1');

/** Puts the parts of a model together and gives each model a name of its own. By name. */
export function localModels(stored: readonly StoredModelFile[]): LocalModel[] {
  const byPath = new Map(stored.map((file) => [file.path, file]));
  const groups = stored.flatMap((file) => {
    const [first = file, ...others] = partsOf(file.path).flatMap((path) => byPath.get(path) ?? []);
    return first === file ? [[first, ...others] as const] : [];
  });
  const sharing = Map.groupBy(groups, ([first]) => stemOf(first.path));
  const models = groups.map((files): LocalModel => {
    const [first] = files;
    const reference = withoutCommit(first.origin);
    return { name: sharing.get(stemOf(first.path))?.length === 1 ? stemOf(first.path) : reference, reference, files };
  });
  return models.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The models that a text means: by an exact name, path or CID; else by a reference to the hub; else by how they begin. */
export function matchModels(text: string, models: readonly LocalModel[], hubUrl: string): LocalModel[] {
  const wanted = text.toLowerCase();
  const exact = models.filter((model) => exactNames(model).includes(text));
  if (exact.length > 0) return exact;
  const reference = referenceOf(text, hubUrl);
  const meant = reference?.kind === 'hub' ? models.filter((model) => isMeant(reference, model, hubUrl)) : [];
  if (meant.length > 0) return meant;
  return models.filter(({ name, reference: of, files }) =>
    [name, of, stemOf(files[0].path)].some((one) => one.toLowerCase().startsWith(wanted)) || (text.length >= CID_PREFIX_CHARS && files.some(({ cid }) => cid.startsWith(text))));
}

const exactNames = ({ name, reference, files }: LocalModel): string[] =>
  [name, reference, stemOf(files[0].path), ...files.flatMap(({ path, origin, cid }) => [path, basename(path), origin, withoutCommit(origin), cid])];

function referenceOf(text: string, hubUrl: string): ModelReference | undefined {
  try {
    return parseReference(text, hubUrl);
  } catch (error) {
    if (isCoded(error, 'HUB_BAD_REFERENCE')) return undefined;
    throw error;
  }
}

function isMeant(wanted: Extract<ModelReference, { kind: 'hub' }>, { files: [first] }: LocalModel, hubUrl: string): boolean {
  const here = referenceOf(first.origin, hubUrl);
  if (here?.kind !== 'hub' || here.file === undefined || here.repo.toLowerCase() !== wanted.repo.toLowerCase()) return false;
  if (wanted.revision !== 'main' && !here.revision.startsWith(wanted.revision)) return false;
  if (wanted.file !== undefined) return partsOf(wanted.file).includes(here.file);
  return wanted.variant === undefined || hasVariant(partName(here.file)?.stem ?? here.file.slice(0, -'.gguf'.length), wanted.variant);
}
