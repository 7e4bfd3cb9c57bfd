import { existsSync } from 'node:fs';
import { partsOf, type LocalStore, type StoredModel } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { localModels, matchModels, type LocalModel } from './named-models.ts';

export interface ResolveOptions {
  readonly hubUrl: HostConfig['hubUrl'];
  /** Also to be had, for the message. */
  readonly builtIn: string;
}

/**
 * The files of the model that `model ls` lists under this name: a downloaded or added one, or the one that a model of
 * shards was cut from. Throws HOST_MODEL_NOT_FOUND, HOST_MODEL_AMBIGUOUS, HOST_MODEL_ONLY_SHARDS.
 */
export function resolveModel(store: LocalStore, text: string, { hubUrl, builtIn }: ResolveOptions): readonly string[] {
  const models = localModels(store.catalog.modelFiles.list());
  const cut = cutModels(store, text);
  const found = new Map(matchModels(text, models, hubUrl).map((model) => [model.files[0].path, model.name]));
  for (const { path, name } of cut) if (path !== undefined && (found.size === 0 || found.has(path))) found.set(path, name);
  const [path, ...others] = found.keys();
  if (others.length > 0) throw hostErrors.modelAmbiguous({ model: text, candidates: candidates(found) });
  if (path !== undefined) return partsOf(path);
  if (cut.length > 0) throw hostErrors.modelOnlyShards({ model: text });
  throw hostErrors.modelNotFound({ model: text, known: [builtIn, ...models.map(({ name }) => name)] });
}

// Models of shards may have one name; then their files tell them apart.
const candidates = (found: ReadonlyMap<string, string>): string[] => (new Set(found.values()).size === found.size ? [...found.values()] : [...found.keys()]);

/** Models of shards by name or CID, with the file that they were cut from while that is here. */
function cutModels(store: LocalStore, text: string): { readonly name: string; readonly path: string | undefined }[] {
  const { models, modelFiles } = store.catalog;
  return models.list().filter((model) => isNamed(model, text)).map(({ cid, manifest }) => {
    const path = modelFiles.sourceOf(cid);
    return { name: manifest.model_name, path: path !== undefined && existsSync(path) ? path : undefined };
  });
}

const isNamed = ({ cid, manifest }: StoredModel, text: string): boolean => cid === text || manifest.model_name === text;

/** One model by what `model ls` calls it; undefined when there is none. Throws HOST_MODEL_AMBIGUOUS. */
export function listedModel(store: LocalStore, text: string, hubUrl: string): LocalModel | undefined {
  const [model, ...others] = matchModels(text, localModels(store.catalog.modelFiles.list()), hubUrl);
  if (model !== undefined && others.length > 0) throw hostErrors.modelAmbiguous({ model: text, candidates: [model, ...others].map(({ name }) => name) });
  return model;
}
