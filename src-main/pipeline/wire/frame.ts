import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { SessionId } from '../../base/index.ts';
import { asSessionId } from '../../base/index.ts';
import { rowBytes, type ActivationDtype } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MAX_BATCH_TOKENS, MAX_CONTEXT_TOKENS, MAX_CONTROL_BYTES, MAX_HIDDEN_SIZE, MAX_PAYLOAD_BYTES, MAX_SPELLING_BYTES, MAX_STAGES, MAX_TOP_LOGPROBS, MAX_TRACE_STEPS } from '../options.ts';
import { AT, DTYPE_CODE, DTYPES, FRAME_VERSION, HEADER_BYTES, KNOWN_FLAGS, PAYLOAD_KIND, TOKEN_BYTES, type FrameType, type PayloadKind } from './constants.ts';
import { MAX_RECEIPTS_BYTES } from './receipts.ts';
import { STEP_BYTES } from './steps.ts';

/** Who a frame is about: a session (or, while loading, a lease) and a stage of its route. */
export interface FrameAddress {
  readonly session: SessionId;
  readonly stage: number;
}

/** What a stage spent on a frame, summed over the stages since stage 0, µs of monotonic clocks. */
export interface PathTiming {
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
}

export interface FrameFields extends Partial<PathTiming> {
  readonly type: FrameType;
  readonly flags?: number;
  readonly dtype?: ActivationDtype;
  readonly run?: number;
  readonly position?: number;
  readonly batch?: number;
  readonly rows?: number;
  readonly hiddenSize?: number;
  /** crc32 of the payload when it is already known. */
  readonly payloadCrc?: number;
}

export interface Frame extends FrameAddress, PathTiming {
  readonly type: FrameType;
  readonly flags: number;
  readonly dtype: ActivationDtype | undefined;
  readonly run: number;
  readonly position: number;
  readonly batch: number;
  readonly rows: number;
  readonly hiddenSize: number;
  /** A view of the received frame, not a copy. */
  readonly payload: Uint8Array;
}

export const NO_SESSION: FrameAddress = { session: asSessionId('0'.repeat(32)), stage: 0 };
export const newSessionId = (): SessionId => asSessionId(randomBytes(16).toString('hex'));

const NOTHING = new Uint8Array(0);

/**
 * The header for `payload`. The checksum covers payload, then header, so that the
 * caller can time `crc32(payload)` before the timings are written.
 */
export function encodeHeader(to: FrameAddress, fields: FrameFields, payload: Uint8Array = NOTHING): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header[AT.version] = FRAME_VERSION;
  header[AT.type] = fields.type;
  header.writeUInt16LE(fields.flags ?? 0, AT.flags);
  header.write(to.session, AT.session, 16, 'hex');
  header.writeUInt16LE(to.stage, AT.stage);
  header[AT.dtype] = fields.dtype === undefined ? 0 : DTYPE_CODE[fields.dtype];
  header[AT.reserved] = 0;
  header.writeUInt32LE(fields.run ?? 0, AT.run);
  header.writeUInt32LE(fields.position ?? 0, AT.position);
  header.writeUInt32LE(fields.batch ?? 0, AT.batch);
  header.writeUInt32LE(fields.rows ?? 0, AT.rows);
  header.writeUInt32LE(fields.hiddenSize ?? 0, AT.hiddenSize);
  header.writeUInt32LE(clampUs(fields.computeUs), AT.computeUs);
  header.writeUInt32LE(clampUs(fields.serialiseUs), AT.serialiseUs);
  header.writeUInt32LE(clampUs(fields.waitUs), AT.waitUs);
  header.writeUInt32LE(payload.byteLength, AT.payloadBytes);
  header.writeUInt32LE(crc32(header.subarray(0, AT.checksum), fields.payloadCrc ?? crc32(payload)), AT.checksum);
  return header;
}

const clampUs = (us = 0): number => Math.min(0xffff_ffff, Math.max(0, Math.round(us)));

/**
 * Reads and checks one frame: layout, limits, payload length against the header, checksum.
 *
 * @throws PIPELINE_BAD_FRAME, PIPELINE_BAD_CHECKSUM (fault peer)
 */
export function decodeFrame(bytes: Uint8Array, peer: string): Frame {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reject = (reason: string): Error => pipelineErrors.badFrame({ peer, reason });
  if (view.length < HEADER_BYTES) throw reject(`${view.length} bytes, a header has ${HEADER_BYTES}`);
  if (view[AT.version] !== FRAME_VERSION) throw reject(`version ${view[AT.version]}, known is ${FRAME_VERSION}`);
  const type = view[AT.type] as FrameType;
  const kind: PayloadKind | undefined = PAYLOAD_KIND[type];
  if (kind === undefined) throw reject(`type ${type} is unknown`);
  const payload = bytes.subarray(HEADER_BYTES);
  if (view.readUInt32LE(AT.payloadBytes) !== payload.length) throw reject(`payload of ${payload.length} bytes, header says ${view.readUInt32LE(AT.payloadBytes)}`);
  if (crc32(view.subarray(0, AT.checksum), crc32(payload)) !== view.readUInt32LE(AT.checksum)) throw pipelineErrors.badChecksum({ peer });
  const frame = readFields(view, type, payload);
  const fault = outOfBounds(frame) ?? badReserved(view) ?? payloadFault(frame, kind);
  if (fault !== undefined) throw reject(fault);
  return frame;
}

function readFields(view: Buffer, type: FrameType, payload: Uint8Array): Frame {
  return {
    type, payload,
    flags: view.readUInt16LE(AT.flags),
    session: view.toString('hex', AT.session, AT.session + 16) as SessionId,
    stage: view.readUInt16LE(AT.stage),
    dtype: DTYPES[(view[AT.dtype] ?? 0) - 1],
    run: view.readUInt32LE(AT.run),
    position: view.readUInt32LE(AT.position),
    batch: view.readUInt32LE(AT.batch),
    rows: view.readUInt32LE(AT.rows),
    hiddenSize: view.readUInt32LE(AT.hiddenSize),
    computeUs: view.readUInt32LE(AT.computeUs),
    serialiseUs: view.readUInt32LE(AT.serialiseUs),
    waitUs: view.readUInt32LE(AT.waitUs),
  };
}

function outOfBounds(frame: Frame): string | undefined {
  if ((frame.flags & ~KNOWN_FLAGS) !== 0) return `flags ${frame.flags} are unknown`;
  if (frame.stage >= MAX_STAGES) return `stage ${frame.stage} is beyond ${MAX_STAGES}`;
  if (frame.position > MAX_CONTEXT_TOKENS) return `position ${frame.position} is beyond ${MAX_CONTEXT_TOKENS}`;
  if (frame.rows > MAX_BATCH_TOKENS) return `${frame.rows} rows are more than ${MAX_BATCH_TOKENS}`;
  if (frame.hiddenSize > MAX_HIDDEN_SIZE) return `hidden size ${frame.hiddenSize} is beyond ${MAX_HIDDEN_SIZE}`;
  return undefined;
}

function badReserved(view: Buffer): string | undefined {
  if ((view[AT.dtype] ?? 0) > DTYPES.length) return `dtype ${view[AT.dtype]} is unknown`;
  return view[AT.reserved] === 0 ? undefined : 'the reserved byte is not 0';
}

function payloadFault(frame: Frame, kind: PayloadKind): string | undefined {
  const { rows, hiddenSize, dtype, payload } = frame;
  const isTensor = kind === 'hidden';
  if (isTensor !== (dtype !== undefined) || isTensor !== hiddenSize > 0) return 'dtype and hidden size belong to hidden states, and only there';
  if ((isTensor || kind === 'tokens') !== rows > 0) return `${rows} rows`;
  const wanted = wantedBytes(frame, kind);
  if (wanted !== undefined && payload.length !== wanted) return `payload of ${payload.length} bytes, ${rows} rows need ${wanted}`;
  if (payload.length > (MOST_BYTES[kind] ?? MAX_PAYLOAD_BYTES)) return `payload of ${payload.length} bytes is too long`;
  const records = RECORDS[kind];
  if (records === undefined) return undefined;
  const count = payload.length / records.bytes;
  return Number.isInteger(count) && count >= records.least && count <= records.most ? undefined : `${kind} payload of ${payload.length} bytes`;
}

const MOST_BYTES: Readonly<Partial<Record<PayloadKind, number>>> = { json: MAX_CONTROL_BYTES, receipts: MAX_RECEIPTS_BYTES, spelling: MAX_SPELLING_BYTES };

/** Payloads of as many records as there are. */
const RECORDS: Readonly<Partial<Record<PayloadKind, { readonly bytes: number; readonly least: number; readonly most: number }>>> = {
  token: { bytes: TOKEN_BYTES, least: 1, most: 1 + MAX_TOP_LOGPROBS },
  steps: { bytes: STEP_BYTES, least: 0, most: MAX_TRACE_STEPS },
};

function wantedBytes(frame: Frame, kind: PayloadKind): number | undefined {
  if (kind === 'empty') return 0;
  if (kind === 'tokens') return frame.rows * 4;
  return kind === 'hidden' && frame.dtype !== undefined ? frame.rows * rowBytes(frame.dtype, frame.hiddenSize) : undefined;
}
