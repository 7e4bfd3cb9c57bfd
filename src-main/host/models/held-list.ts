import { basename } from 'node:path';
import { isCoded } from '../../base/index.ts';
import { partName, type LocalStore, type ModelFacts, type UnfinishedFile } from '../../store/index.ts';
import type { HeldModel, ModelList, Unfinished, Usability } from '../../../src-preload/bridge/index.ts';
import { modelDetails } from '../local-store.ts';
import { withoutCommit } from '../named-models.ts';
import { outlineOfPieces } from '../outline-pieces.ts';
import { fitOf, type Memory } from './mesh-fit.ts';
import type { FactsReader } from './model-facts.ts';
import { cutBytesOf, fileBytesOf, type ShelvedModel } from './shelf.ts';

export interface RowContext {
  readonly store: LocalStore;
  readonly facts: FactsReader;
  readonly memory: Memory;
  readonly contextTokens: number;
  /** The file of the model that answers. */
  readonly servedPath: string;
  readonly signal: AbortSignal;
  /** Members of the mesh may compute what does not fit here. */
  readonly isOverMesh: boolean;
}

/** A model as the page lists it. */
export async function heldRow(model: ShelvedModel, context: RowContext): Promise<HeldModel> {
  const { id, kind, path, local, cuts } = model;
  const file = path === undefined ? undefined : await context.facts.of(path);
  const facts = path === undefined ? await factsOfPieces(cuts, context) : file?.facts;
  const fit = facts === undefined ? undefined : fitOf(facts, context.contextTokens, context.memory);
  const sizeBytes = file?.sizeBytes ?? sizeOf(model) ?? 0;
  return {
    id, kind, name: facts?.name ?? model.name, ...(facts === undefined ? {} : shownFacts(facts)),
    sizeBytes, heldBytes: kind === 'pieces' ? Math.max(0, ...cuts.map(({ heldBytes }) => heldBytes)) : sizeBytes, fileBytes: fileBytesOf(model), cutBytes: cutBytesOf(model),
    ...standingOf(local, model), usability: usability(model, { facts, isServed: path === context.servedPath, fits: fit?.fits, isOverMesh: context.isOverMesh }), ...(fit === undefined ? {} : { fit }),
  };
}

const shownFacts = ({ architecture, quantization, layers, trainedTokens }: ModelFacts): Pick<HeldModel, 'architecture' | 'quantization' | 'layers' | 'trainedTokens'> =>
  ({ architecture, quantization, layers, ...(trainedTokens === undefined ? {} : { trainedTokens }) });

const sizeOf = ({ local, cuts: [cut] }: ShelvedModel): number | undefined => local?.files.reduce((bytes, file) => bytes + file.sizeBytes, 0) ?? cut?.manifest.total_size_bytes;

/** Of a model without a listed file, what its cuts say. */
function standingOf(local: ShelvedModel['local'], { kind, cuts }: ShelvedModel): Pick<HeldModel, 'usedAtMs' | 'isPinned' | 'isOwned'> {
  if (local === undefined) return { isPinned: cuts.some(({ isPinned }) => isPinned), isOwned: kind === 'pieces' };
  const usedAtMs = Math.max(...local.files.map(({ usedAt }) => usedAt));
  return { ...(usedAtMs > 0 ? { usedAtMs } : {}), isPinned: local.files.every(({ isPinned }) => isPinned), isOwned: local.files.every(({ isOwned }) => isOwned) };
}

interface Found {
  readonly facts: ModelFacts | undefined;
  readonly isServed: boolean;
  readonly fits: 'here' | 'with-peers' | 'no' | undefined;
  readonly isOverMesh: boolean;
}

function usability({ kind, local }: ShelvedModel, { facts, isServed, fits, isOverMesh }: Found): Usability {
  if (isServed) return 'in-use';
  if (kind === 'pieces') return 'pieces-only';
  if (local?.files.every(({ isWhole }) => isWhole) === false) return 'damaged';
  if (facts === undefined) return 'missing';
  if (facts.split === undefined) return 'cannot-be-cut';
  return fits === 'here' || (fits === 'with-peers' && isOverMesh) ? 'can' : 'too-large';
}

async function factsOfPieces([cut]: ShelvedModel['cuts'], { store, signal }: RowContext): Promise<ModelFacts | undefined> {
  if (cut === undefined) return undefined;
  try {
    return (await outlineOfPieces(cut.manifest, modelDetails(store, cut.cid), signal))?.facts;
  } catch (error) {
    if (isCoded(error)) return undefined;
    throw error;
  }
}

/** Downloads that are not whole, all parts of a model as one. */
export function unfinishedModels(files: readonly UnfinishedFile[]): { readonly row: Unfinished; readonly paths: readonly string[]; readonly origins: readonly string[] }[] {
  const downloads = files.filter(({ path, origin }) => origin === path || /^(hf:|https?:)/.test(origin));
  const models = Map.groupBy(downloads, ({ path }) => partName(path)?.stem ?? path);
  return [...models.values()].flatMap((parts) => {
    const [first] = parts;
    if (first === undefined) return [];
    const row: Unfinished = {
      source: first.origin, name: partName(basename(first.path))?.stem ?? basename(first.path).replace(/\.gguf$/i, ''),
      sizeBytes: parts.reduce((bytes, part) => bytes + part.sizeBytes, 0), storedBytes: parts.reduce((bytes, part) => bytes + part.storedBytes, 0),
      isUnderWay: parts.some(({ pid }) => pid !== null), canResume: first.origin !== first.path,
    };
    return [{ row, paths: parts.map(({ path }) => path), origins: parts.map(({ origin }) => withoutCommit(origin)) }];
  });
}

/** What the store takes and may take. */
export async function diskOf(store: LocalStore): Promise<{ readonly disk: ModelList['disk']; readonly unfinished: readonly UnfinishedFile[] }> {
  const { usedBytes, reservedBytes, quotaBytes, freeBytes, pinnedBytes, unfinished } = await store.stats();
  return { disk: { usedBytes, reservedBytes, quotaBytes, freeBytes: Math.max(0, Math.floor(freeBytes)), pinnedBytes }, unfinished };
}
