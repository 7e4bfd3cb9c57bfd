import { isIP } from 'node:net';
import { DATAGRAM_BYTES, MAX_DATAGRAMS, MIN_PORT, TOKEN_BYTES } from './constants.ts';

// All numbers are u16, little-endian.
const NUMBER_BYTES = 2;
const OFFER_BYTES = NUMBER_BYTES + TOKEN_BYTES;
const MAX_ADDRESS_CHARS = 45;

export interface LossQuestion {
  readonly datagrams: number;
  /** Where the asker will send them: the IP address at which it is connected to the other side. */
  readonly address: string;
}

/** Where the datagrams go, and what they begin with. */
export interface LossOffer {
  readonly port: number;
  readonly token: Uint8Array;
}

export function encodeQuestion({ datagrams, address }: LossQuestion): Uint8Array {
  return Buffer.concat([encodeCount(datagrams), Buffer.from(address, 'latin1')]);
}

export function decodeQuestion(frame: Uint8Array): LossQuestion | undefined {
  const datagrams = decodeCount(frame.subarray(0, NUMBER_BYTES), MAX_DATAGRAMS);
  const address = viewOf(frame).toString('latin1', NUMBER_BYTES);
  return datagrams === undefined || datagrams === 0 || address.length > MAX_ADDRESS_CHARS || isIP(address) === 0 || address.includes('%') ? undefined : { datagrams, address };
}

/** Port 0: not now. */
export function encodeOffer(offer: LossOffer | undefined): Uint8Array {
  return Buffer.concat([encodeCount(offer?.port ?? 0), offer?.token ?? new Uint8Array(TOKEN_BYTES)]);
}

export function decodeOffer(frame: Uint8Array): LossOffer | 'not now' | undefined {
  if (frame.byteLength !== OFFER_BYTES) return undefined;
  const port = viewOf(frame).readUInt16LE();
  if (port === 0) return 'not now';
  return port < MIN_PORT ? undefined : { port, token: frame.slice(NUMBER_BYTES) };
}

/** How many were sent, or came. */
export function encodeCount(count: number): Uint8Array {
  const frame = Buffer.alloc(NUMBER_BYTES);
  frame.writeUInt16LE(count);
  return frame;
}

/** Undefined for what is no number up to `most`. */
export function decodeCount(frame: Uint8Array, most: number): number | undefined {
  if (frame.byteLength !== NUMBER_BYTES) return undefined;
  const count = viewOf(frame).readUInt16LE();
  return count <= most ? count : undefined;
}

export const encodeDatagram = (token: Uint8Array, number: number): Uint8Array => Buffer.concat([token, encodeCount(number)]);

/** Which one it is, from 0; undefined for one that does not belong to this probe. */
export function decodeDatagram(bytes: Uint8Array, { token, datagrams }: { readonly token: Uint8Array; readonly datagrams: number }): number | undefined {
  if (bytes.byteLength !== DATAGRAM_BYTES || viewOf(bytes).compare(token, 0, TOKEN_BYTES, 0, TOKEN_BYTES) !== 0) return undefined;
  return decodeCount(bytes.subarray(TOKEN_BYTES), datagrams - 1);
}

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
