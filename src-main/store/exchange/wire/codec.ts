import { z } from 'zod';
import type { ShardCid } from '../../../base/index.ts';
import { HASH_BYTES, LEAF_BYTES, leafCount, MAX_TREE_BYTES } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';
import { CHUNK_BYTES, MAX_CIDS, MAX_HASHES, MAX_RUN_LEAVES, MAX_SHARD_LEAVES, MAX_WINDOW_LEAVES } from '../options.ts';
import { bitmapBytes, type Held } from '../schedule/holdings.ts';
import { cidAt, cidBytes } from './cid.ts';
import { CID_BYTES, FEATURES, FrameType, HEADER_BYTES, HELD_KIND, REFUSALS, WIRE_VERSION, type Refusal } from './constants.ts';

export const helloSchema = z.strictObject({
  protocol: z.literal(1),
  agent: z.string().max(64),
  features: z.array(z.string().max(64)).max(32),
  /** Leaves that the other side may have asked and not received. */
  window: z.int().min(1).max(1024),
  /** Where transfers are served, when not here. */
  transfer: z.array(z.string().max(512)).max(16).optional(),
});
export type Hello = z.infer<typeof helloSchema>;

export interface Holding {
  readonly held: Held;
  /** 0 where nothing is held. */
  readonly sizeBytes: number;
}

/** One frame, read and bounded. Bytes are views of the received frame. */
export type BlockFrame = { readonly request: number } & (
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'have'; readonly cids: readonly ShardCid[] }
  | { readonly type: 'holdings'; readonly holdings: readonly Holding[] }
  | { readonly type: 'leaves'; readonly cid: ShardCid; readonly first: number; readonly count: number }
  | { readonly type: 'hashes'; readonly sizeBytes: number; readonly first: number; readonly hashes: Uint8Array }
  | { readonly type: 'get'; readonly cid: ShardCid; readonly first: number; readonly count: number }
  | { readonly type: 'data'; readonly leaf: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'cancel'; readonly leaf: number }
  | { readonly type: 'refused'; readonly leaf: number; readonly refusal: Refusal }
);

const MAX_HELLO_BYTES = 16 * 1024;
const DATA_HEAD_BYTES = HEADER_BYTES + 8;

/** The parts of a frame, to be sent in one write. The bytes of `data` and `hashes` are not copied. */
export function encodeFrame(frame: BlockFrame): readonly Uint8Array[] {
  switch (frame.type) {
    case 'hello': return [head(FrameType.hello, frame.request), Buffer.from(JSON.stringify(frame.hello))];
    case 'have': return [numbers(FrameType.have, frame.request, [frame.cids.length]), ...frame.cids.map(carried)];
    case 'holdings': return [numbers(FrameType.holdings, frame.request, [frame.holdings.length]), ...frame.holdings.flatMap(holdingParts)];
    case 'leaves': return [head(FrameType.leaves, frame.request), carried(frame.cid), words([frame.first, frame.count])];
    case 'hashes': return [head(FrameType.hashes, frame.request), size(frame.sizeBytes), words([frame.first]), frame.hashes];
    case 'get': return [head(FrameType.get, frame.request), carried(frame.cid), words([frame.first, frame.count])];
    case 'data': return [numbers(FrameType.data, frame.request, [frame.leaf, frame.offset]), frame.bytes];
    case 'cancel': return [numbers(FrameType.cancel, frame.request, [frame.leaf])];
    case 'refused': return [numbers(FrameType.refused, frame.request, [frame.leaf, REFUSALS[frame.refusal]])];
  }
}

/** Bytes that a holding takes in a frame. */
export const holdingBytes = ({ held }: Holding): number => 12 + (typeof held === 'string' ? 0 : held.length);

const head = (type: FrameType, request: number): Buffer => numbers(type, request, []);

function numbers(type: FrameType, request: number, values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + 4 * values.length);
  bytes.writeUInt32LE(WIRE_VERSION | (type << 8), 0);
  bytes.writeUInt32LE(request, 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value, HEADER_BYTES + 4 * index));
  return bytes;
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}

function size(sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt(sizeBytes));
  return bytes;
}

function carried(cid: ShardCid): Uint8Array {
  const bytes = cidBytes(cid);
  if (bytes === undefined) throw exchangeErrors.badCid({ cid });
  return bytes;
}

function holdingParts({ held, sizeBytes }: Holding): readonly Uint8Array[] {
  const kind = typeof held === 'string' ? HELD_KIND[held] : HELD_KIND.some;
  return [words([kind]), size(sizeBytes), ...(typeof held === 'string' ? [] : [held])];
}

/** Reads and checks one frame: layout, lengths, limits. Throws EXCHANGE_BAD_FRAME (fault peer). */
export function decodeFrame(bytes: Uint8Array, peer: string): BlockFrame {
  const frame = bytes.length < HEADER_BYTES ? `${bytes.length} bytes` : read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (typeof frame === 'string') throw exchangeErrors.badFrame({ peer, reason: frame });
  return frame;
}

/** The frame, or what is wrong with it. */
function read(bytes: Buffer): BlockFrame | string {
  const request = bytes.readUInt32LE(4);
  if (bytes[0] !== WIRE_VERSION) return `version ${bytes[0]}`;
  if (bytes[2] !== 0 || bytes[3] !== 0) return 'flags that are not 0';
  switch (bytes[1]) {
    case FrameType.hello: return readHello(bytes, request);
    case FrameType.have: return readHave(bytes, request);
    case FrameType.holdings: return readHoldings(bytes, request);
    case FrameType.leaves: return readRun(bytes, request, 'leaves');
    case FrameType.hashes: return readHashes(bytes, request);
    case FrameType.get: return readRun(bytes, request, 'get');
    case FrameType.data: return readData(bytes, request);
    case FrameType.cancel: return readCancel(bytes, request);
    case FrameType.refused: return readRefused(bytes, request);
    default: return `type ${bytes[1]}`;
  }
}

function readHello(bytes: Buffer, request: number): BlockFrame | string {
  if (bytes.length > MAX_HELLO_BYTES) return `a hello of ${bytes.length} bytes`;
  try {
    const result = helloSchema.safeParse(JSON.parse(bytes.toString('utf8', HEADER_BYTES)));
    return result.success ? { type: 'hello', request, hello: result.data } : `a hello without a proper ${result.error.issues[0]?.path.join('.') ?? 'shape'}`;
  } catch {
    return 'a hello that is not JSON';
  }
}

function readHave(bytes: Buffer, request: number): BlockFrame | string {
  const count = (bytes.length - HEADER_BYTES - 4) / CID_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > MAX_CIDS || bytes.readUInt32LE(HEADER_BYTES) !== count) return `a question about ${count} CIDs`;
  const cids = Array.from({ length: count }, (_, index) => cidAt(bytes, HEADER_BYTES + 4 + index * CID_BYTES));
  const known = cids.filter((cid) => cid !== undefined);
  return known.length === count ? { type: 'have', request, cids: known } : 'a CID of another kind';
}

function readHoldings(bytes: Buffer, request: number): BlockFrame | string {
  if (bytes.length < HEADER_BYTES + 4) return 'no holdings';
  const count = bytes.readUInt32LE(HEADER_BYTES);
  if (count < 1 || count > MAX_CIDS) return `${count} holdings`;
  const holdings: Holding[] = [];
  let at = HEADER_BYTES + 4;
  for (let index = 0; index < count; index++) {
    const holding = bytes.length < at + 12 ? 'holdings cut off' : readHolding(bytes, at);
    if (typeof holding === 'string') return holding;
    at += holdingBytes(holding);
    holdings.push(holding);
  }
  return at === bytes.length ? { type: 'holdings', request, holdings } : 'more than the holdings';
}

function readHolding(bytes: Buffer, at: number): Holding | string {
  const kind = bytes.readUInt32LE(at);
  const sizeBytes = bytes.readBigUInt64LE(at + 4);
  if (kind === HELD_KIND.none) return sizeBytes === 0n ? { held: 'none', sizeBytes: 0 } : 'a size of nothing';
  if (sizeBytes < 1n || sizeBytes > BigInt(MAX_TREE_BYTES)) return `a shard of ${sizeBytes} bytes`;
  if (kind === HELD_KIND.all) return { held: 'all', sizeBytes: Number(sizeBytes) };
  if (kind !== HELD_KIND.some) return `holdings of kind ${kind}`;
  const bits = bitmapBytes(leafCount(Number(sizeBytes)));
  return bytes.length < at + 12 + bits ? 'holdings cut off' : { held: bytes.subarray(at + 12, at + 12 + bits), sizeBytes: Number(sizeBytes) };
}

function readRun(bytes: Buffer, request: number, type: 'leaves' | 'get'): BlockFrame | string {
  const cid = cidAt(bytes, HEADER_BYTES);
  if (cid === undefined || bytes.length !== HEADER_BYTES + CID_BYTES + 8) return 'a CID of another kind';
  const first = bytes.readUInt32LE(HEADER_BYTES + CID_BYTES);
  const count = bytes.readUInt32LE(HEADER_BYTES + CID_BYTES + 4);
  const most = type === 'get' ? MAX_RUN_LEAVES : MAX_HASHES;
  if (count < 1 || count > most || first + count > MAX_SHARD_LEAVES) return `${count} leaves from ${first}`;
  return { type, request, cid, first, count };
}

function readHashes(bytes: Buffer, request: number): BlockFrame | string {
  if (bytes.length < HEADER_BYTES + 12) return 'no hashes';
  const sizeBytes = bytes.readBigUInt64LE(HEADER_BYTES);
  const first = bytes.readUInt32LE(HEADER_BYTES + 8);
  const hashes = bytes.subarray(HEADER_BYTES + 12);
  const count = hashes.length / HASH_BYTES;
  if (sizeBytes < 1n || sizeBytes > BigInt(MAX_TREE_BYTES)) return `a shard of ${sizeBytes} bytes`;
  if (!Number.isInteger(count) || count < 1 || count > MAX_HASHES || first + count > leafCount(Number(sizeBytes))) return `${count} hashes from ${first}`;
  return { type: 'hashes', request, sizeBytes: Number(sizeBytes), first, hashes };
}

function readData(bytes: Buffer, request: number): BlockFrame | string {
  const length = bytes.length - DATA_HEAD_BYTES;
  if (length < 1 || length > CHUNK_BYTES) return `${length} bytes of a leaf`;
  const leaf = bytes.readUInt32LE(HEADER_BYTES);
  const offset = bytes.readUInt32LE(HEADER_BYTES + 4);
  if (leaf >= MAX_SHARD_LEAVES || offset + length > LEAF_BYTES) return `bytes ${offset} + ${length} of leaf ${leaf}`;
  return { type: 'data', request, leaf, offset, bytes: bytes.subarray(DATA_HEAD_BYTES) };
}

function readCancel(bytes: Buffer, request: number): BlockFrame | string {
  if (bytes.length !== HEADER_BYTES + 4) return `a cancel of ${bytes.length} bytes`;
  const leaf = bytes.readUInt32LE(HEADER_BYTES);
  return leaf < MAX_SHARD_LEAVES ? { type: 'cancel', request, leaf } : `leaf ${leaf}`;
}

const REFUSAL_OF: ReadonlyMap<number, Refusal> = new Map(Object.entries(REFUSALS).map(([name, code]) => [code, name as Refusal]));

function readRefused(bytes: Buffer, request: number): BlockFrame | string {
  if (bytes.length !== HEADER_BYTES + 8) return `a refusal of ${bytes.length} bytes`;
  const leaf = bytes.readUInt32LE(HEADER_BYTES);
  const refusal = REFUSAL_OF.get(bytes.readUInt32LE(HEADER_BYTES + 4));
  return refusal === undefined || leaf >= MAX_SHARD_LEAVES ? 'a refusal of another kind' : { type: 'refused', request, leaf, refusal };
}

export const ownHello = (agent: string, transfer?: readonly string[]): BlockFrame => ({
  type: 'hello', request: 0,
  hello: { protocol: 1, agent, features: Object.values(FEATURES), window: MAX_WINDOW_LEAVES, ...(transfer === undefined ? {} : { transfer: [...transfer] }) },
});
