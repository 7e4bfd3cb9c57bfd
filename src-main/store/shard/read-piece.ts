import { layerCount } from '../../base/index.ts';
import { shardErrors } from '../errors.ts';
import type { Gguf } from '../gguf/reader.ts';
import { scalarItems, type GgufMetadata } from '../gguf/values.ts';
import { architectureRule, SHARED_TENSORS, SUPPORTED_ARCHITECTURES, TAIL_TENSORS, type ArchitectureRule } from './architectures.ts';
import { optionalNumber, requiredNumber, requiredText } from './metadata.ts';
import type { Head, OriginTensor, Piece } from './piece.ts';
import { SHARD_KEYS } from './shard-keys.ts';
import { restoreWindow } from './windowless.ts';

interface Sorted {
  readonly shared: OriginTensor[];
  readonly tail: OriginTensor[];
  readonly blocks: OriginTensor[][];
  readonly embedding: OriginTensor | undefined;
  readonly output: OriginTensor | undefined;
}

/**
 * The whole model as one piece, of one file or of all its parts in order. Throws SHARD_UNSUPPORTED_ARCHITECTURE,
 * SHARD_SPLIT_MODEL, SHARD_MISSING_TENSOR, SHARD_UNKNOWN_TENSOR, GGUF_MISSING_KEY.
 */
export function pieceOfModel(gguf: Gguf, others: readonly Gguf[] = []): Piece {
  const { metadata } = gguf;
  if (metadata.has(SHARD_KEYS.format)) throw shardErrors.alreadyShard({ name: gguf.source.name });
  const parts = [gguf, ...others];
  checkParts(parts);
  const architecture = requiredText(metadata, 'general.architecture');
  const rule = ruleOf(architecture);
  const totalLayers = requiredNumber(metadata, `${architecture}.block_count`, { min: 1, max: 512 });
  const layers = { first: 0, last: totalLayers - 1 };
  const sorted = sortTensors(parts, totalLayers);
  const embedding = sorted.embedding ?? missing('token_embd.weight');
  const head = headOfModel(sorted, rule);
  const [hiddenSize = 0, vocabSize = 0] = embedding.dims;
  const windows = windowsOf(rule, metadata, { architecture, totalLayers });
  return { architecture, rule, layers, totalLayers, hiddenSize, vocabSize, metadata: baseMetadata(metadata, architecture), windows, embedding, head, tail: sorted.tail, shared: sorted.shared, blocks: sorted.blocks };
}

/** A shard that we wrote, as the piece it was written from. Throws SHARD_NOT_A_SHARD and the codes above. */
export function pieceOfShard(gguf: Gguf): Piece {
  const { metadata } = gguf;
  if (optionalNumber(metadata, SHARD_KEYS.format) !== 1) throw shardErrors.notAShard({ name: gguf.source.name });
  const architecture = requiredText(metadata, 'general.architecture');
  const rule = ruleOf(architecture);
  const count = { min: 0, max: 512 };
  const layers = { first: requiredNumber(metadata, SHARD_KEYS.firstLayer, count), last: requiredNumber(metadata, SHARD_KEYS.lastLayer, count) };
  const totalLayers = requiredNumber(metadata, SHARD_KEYS.totalLayers, count);
  if (layers.first > layers.last || layers.last >= totalLayers) throw shardErrors.notAShard({ name: gguf.source.name });
  const sorted = sortTensors([gguf], layerCount(layers));
  const hiddenSize = requiredNumber(metadata, `${architecture}.embedding_length`, { min: 1, max: 2 ** 24 });
  const vocabSize = requiredNumber(metadata, SHARD_KEYS.vocabSize, { min: 1, max: 2 ** 31 });
  const isFirst = layers.first === 0;
  const isLast = layers.last === totalLayers - 1;
  const head = isLast ? headOfShard(sorted, { rule, isFirst, kind: requiredText(metadata, SHARD_KEYS.head) }) : undefined;
  const windowless = metadata.has(SHARD_KEYS.windowless);
  const windows = windowless ? Array.from({ length: layerCount(layers) }, () => false) : windowsOf(rule, metadata, { architecture, totalLayers: layerCount(layers) });
  return {
    architecture, rule, layers, totalLayers, hiddenSize, vocabSize, metadata: baseMetadata(windowless ? restoreWindow(metadata, architecture) : metadata, architecture), windows, head,
    embedding: isFirst ? sorted.embedding : undefined, tail: isLast ? sorted.tail : [], shared: sorted.shared, blocks: sorted.blocks,
  };
}

function ruleOf(architecture: string): ArchitectureRule {
  const rule = architectureRule(architecture);
  if (rule === undefined) throw shardErrors.unsupportedArchitecture({ architecture, supported: SUPPORTED_ARCHITECTURES.join(', ') });
  return rule;
}

function missing(tensor: string): never {
  throw shardErrors.missingTensor({ tensor });
}

const originsOf = ({ tensors, source, dataOffset }: Gguf): OriginTensor[] =>
  tensors.map(({ name, dims, type, sizeBytes, offset }) => ({ name, dims, type, sizeBytes, source, offset: dataOffset + offset }));

// The first part has all metadata; each says how many there are and which one it is (llama.cpp, gguf-split).
function checkParts(parts: readonly Gguf[]): void {
  for (const [index, { metadata, source }] of parts.entries()) {
    const count = optionalNumber(metadata, 'split.count') ?? 1;
    const isRight = count === parts.length && (count === 1 || optionalNumber(metadata, 'split.no') === index);
    if (!isRight) throw shardErrors.splitModel({ name: source.name });
  }
  const expected = optionalNumber(parts[0]?.metadata ?? new Map(), 'split.tensors.count');
  const names = new Set(parts.flatMap(({ tensors }) => tensors.map(({ name }) => name)));
  const found = parts.reduce((tensors, part) => tensors + part.tensors.length, 0);
  const isWhole = names.size === found && (expected === undefined || parts.length === 1 || expected === found);
  if (!isWhole) throw shardErrors.splitModel({ name: parts[0]?.source.name ?? '' });
}

function sortTensors(parts: readonly Gguf[], layers: number): Sorted {
  const blocks: OriginTensor[][] = Array.from({ length: layers }, () => []);
  const named = new Map<string, OriginTensor>();
  for (const origin of parts.flatMap(originsOf)) {
    const { name } = origin;
    const [, index, rest] = /^blk\.(\d{1,3})\.(.+)$/.exec(name) ?? [];
    if (rest === undefined) named.set(name, origin);
    else (blocks[Number(index)] ?? unknown(name)).push({ ...origin, name: rest });
  }
  blocks.forEach((block, index) => { if (block.length === 0) missing(`blk.${index}.*`); });
  const take = (names: readonly string[]): OriginTensor[] => [...named.values()].filter((tensor) => names.includes(tensor.name));
  const known = ['token_embd.weight', 'output.weight', ...SHARED_TENSORS, ...TAIL_TENSORS];
  for (const name of named.keys()) if (!known.includes(name)) unknown(name);
  if (!named.has('output_norm.weight')) missing('output_norm.weight');
  return { blocks, shared: take(SHARED_TENSORS), tail: take(TAIL_TENSORS), embedding: named.get('token_embd.weight'), output: named.get('output.weight') };
}

function unknown(tensor: string): never {
  throw shardErrors.unknownTensor({ tensor });
}

function headOfModel(sorted: Sorted, rule: ArchitectureRule): Head {
  if (sorted.output !== undefined) return { kind: 'own', tensor: sorted.output };
  if (rule.headRequired) missing('output.weight');
  return { kind: 'tied', tensor: sorted.embedding ?? missing('token_embd.weight') };
}

// A last shard that needs no embedding carries the head under the embedding's name: see stageFile.
function headOfShard(sorted: Sorted, request: { rule: ArchitectureRule; isFirst: boolean; kind: string }): Head {
  if (request.kind === 'tied') return { kind: 'tied', tensor: sorted.embedding ?? missing('token_embd.weight') };
  const ownName = request.isFirst || request.rule.headRequired;
  const tensor = (ownName ? sorted.output : sorted.embedding) ?? missing('output.weight');
  return { kind: 'own', tensor: { ...tensor, name: 'output.weight' } };
}

function windowsOf(rule: ArchitectureRule, metadata: GgufMetadata, of: { architecture: string; totalLayers: number }): boolean[] | undefined {
  if (rule.window === undefined) return undefined;
  if (rule.window.present === 'key' && (optionalNumber(metadata, `${of.architecture}.attention.sliding_window`) ?? 0) === 0) return undefined;
  const key = `${of.architecture}.attention.sliding_window_pattern`;
  const given = metadata.get(key);
  if (given?.type === 'array') {
    const items = scalarItems(given);
    if (items === undefined || items.length < of.totalLayers) throw shardErrors.badPattern({ key, layers: of.totalLayers, items: given.length });
    return items.slice(0, of.totalLayers).map(Boolean);
  }
  const every = optionalNumber(metadata, key) ?? rule.window.every;
  return Array.from({ length: of.totalLayers }, (_, index) => every === 0 || index % every < every - 1);
}

function baseMetadata(metadata: GgufMetadata, architecture: string): GgufMetadata {
  const own: readonly string[] = [`${architecture}.vocab_size`, `${architecture}.attention.sliding_window_pattern`];
  const dropped = (key: string): boolean => key.startsWith('tokenizer.') || key.startsWith('split.') || key.startsWith(SHARD_KEYS.prefix) || own.includes(key);
  return new Map([...metadata].filter(([key]) => !dropped(key)));
}

