import { ggufErrors } from '../errors.ts';
import { Cursor, WindowTooShort } from './cursor.ts';
import { GGUF_LIMITS, parseEntry, parsePrologue, parseTensor, type GgufLimits, type Prologue } from './parse.ts';
import type { ByteSource, ReadOptions } from './source.ts';
import type { GgufMetadata, GgufValue } from './values.ts';
import { alignUp, DEFAULT_ALIGNMENT, type PlacedTensor } from './writer.ts';

export interface Gguf {
  readonly version: 2 | 3;
  readonly metadata: GgufMetadata;
  /** In file order; `offset` counts from `dataOffset`. */
  readonly tensors: readonly PlacedTensor[];
  readonly alignment: number;
  /** Where tensor data starts in the file. */
  readonly dataOffset: number;
  readonly source: ByteSource;
}

export interface OpenGgufOptions extends ReadOptions {
  readonly limits?: Partial<GgufLimits>;
}

const FIRST_WINDOW_BYTES = 256 * 1024;

interface State {
  at: number;
  prologue: Prologue | undefined;
  readonly metadata: Map<string, GgufValue>;
  readonly tensors: Map<string, PlacedTensor>;
}

/**
 * Reads the header of a GGUF v2 or v3 file (docs of ggml, gguf.md) and nothing
 * of its tensors. The header is fetched in growing windows; nothing is allocated
 * for a count or length before it is checked against the size of the source.
 * Throws GGUF_* naming field and byte offset.
 */
export async function openGguf(source: ByteSource, options: OpenGgufOptions = {}): Promise<Gguf> {
  const limits = { ...GGUF_LIMITS, ...options.limits };
  const state: State = { at: 0, prologue: undefined, metadata: new Map(), tensors: new Map() };
  let window: Buffer = Buffer.alloc(0);
  for (let wanted = FIRST_WINDOW_BYTES; ;) {
    window = await widen(source, window, { wanted: Math.min(wanted, source.sizeBytes), options });
    const needBytes = advance(state, new Cursor(window, state.at, source.sizeBytes), limits);
    if (needBytes === undefined) return finish(source, state);
    if (needBytes > limits.maxHeaderBytes) throw ggufErrors.tooBig({ field: 'header', offset: state.at, value: needBytes, max: limits.maxHeaderBytes });
    wanted = Math.min(limits.maxHeaderBytes, Math.max(needBytes, window.length * 2));
  }
}

async function widen(source: ByteSource, window: Buffer, request: { wanted: number; options: ReadOptions }): Promise<Buffer> {
  const more = await source.read(window.length, request.wanted - window.length, request.options);
  return Buffer.concat([window, more]);
}

/** Parses as far as the window reaches; returns how far it must reach to go on, or undefined when done. */
function advance(state: State, cursor: Cursor, limits: GgufLimits): number | undefined {
  try {
    state.prologue ??= parsePrologue(cursor, limits);
    state.at = cursor.at;
    for (; state.metadata.size < state.prologue.keyCount; state.at = cursor.at) addEntry(state, cursor, limits);
    for (; state.tensors.size < state.prologue.tensorCount; state.at = cursor.at) addTensor(state, cursor);
    return undefined;
  } catch (error) {
    if (error instanceof WindowTooShort) return error.needBytes;
    throw error;
  }
}

function addEntry(state: State, cursor: Cursor, limits: GgufLimits): void {
  const offset = cursor.at;
  const [key, value] = parseEntry(cursor, limits);
  if (state.metadata.has(key)) throw ggufErrors.duplicate({ field: 'Metadata key', name: key, offset });
  state.metadata.set(key, value);
}

function addTensor(state: State, cursor: Cursor): void {
  const offset = cursor.at;
  const tensor = parseTensor(cursor);
  if (state.tensors.has(tensor.name)) throw ggufErrors.duplicate({ field: 'Tensor', name: tensor.name, offset });
  state.tensors.set(tensor.name, tensor);
}

function finish(source: ByteSource, state: State): Gguf {
  const alignment = readAlignment(state.metadata);
  const dataOffset = alignUp(state.at, alignment);
  const tensors = [...state.tensors.values()];
  for (const tensor of tensors) checkPlace(tensor, { alignment, dataOffset, fileBytes: source.sizeBytes });
  checkOverlap(tensors);
  return { version: state.prologue?.version ?? 3, metadata: state.metadata, tensors, alignment, dataOffset, source };
}

function readAlignment(metadata: GgufMetadata): number {
  const value = metadata.get('general.alignment');
  if (value === undefined) return DEFAULT_ALIGNMENT;
  const alignment = value.type === 'uint32' ? value.value : 0;
  const isPowerOfTwo = alignment > 0 && (alignment & (alignment - 1)) === 0;
  if (!isPowerOfTwo || alignment > 2 ** 20) throw ggufErrors.missingKey({ key: 'general.alignment', expected: 'a power of two up to 2^20 as uint32' });
  return alignment;
}

function checkPlace(tensor: PlacedTensor, file: { alignment: number; dataOffset: number; fileBytes: number }): void {
  if (tensor.offset % file.alignment !== 0) throw ggufErrors.misaligned({ tensor: tensor.name, offset: tensor.offset, alignment: file.alignment });
  const start = file.dataOffset + tensor.offset;
  const outside = start + tensor.sizeBytes > file.fileBytes;
  if (outside) throw ggufErrors.tensorOutOfFile({ tensor: tensor.name, start, sizeBytes: tensor.sizeBytes, fileBytes: file.fileBytes });
}

function checkOverlap(tensors: readonly PlacedTensor[]): void {
  const ordered = tensors.toSorted((a, b) => a.offset - b.offset);
  for (const [index, tensor] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before !== undefined && before.offset + before.sizeBytes > tensor.offset) throw ggufErrors.overlap({ tensor: tensor.name, other: before.name });
  }
}
