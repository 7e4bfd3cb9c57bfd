import { isIPv4 } from 'node:net';

/** STUN (RFC 8489): what an address looks like from outside, asked in one datagram and told in another. */
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const MAGIC_COOKIE = 0x2112_a442;
const HEADER_BYTES = 20;
const TRANSACTION_BYTES = 12;
const ATTRIBUTE_HEADER_BYTES = 4;

const ATTRIBUTE = { username: 0x0006, integrity: 0x0008, errorCode: 0x0009, unknown: 0x000a, integritySha256: 0x001c, xorMapped: 0x0020 } as const;
/** Those below 0x8000 must be understood or refused (RFC 8489, 14). Who asks is nobody's business here: what proves it is passed over. */
const UNDERSTOOD: ReadonlySet<number> = new Set([ATTRIBUTE.username, ATTRIBUTE.integrity, ATTRIBUTE.integritySha256]);
const OPTIONAL_FROM = 0x8000;
const FAMILY = { ipv4: 1, ipv6: 2 } as const;
const UNKNOWN_ATTRIBUTE = 420;

/** Longer ones are not from anybody who only wants to know its address. */
export const MAX_REQUEST_BYTES = 548;

export interface BindingRequest {
  /** 96 bits, chosen by who asks. */
  readonly transaction: Buffer;
  /** Attributes that must be understood, and are not; at most 16. */
  readonly unknown: readonly number[];
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Undefined for whatever is no binding request: it is not answered at all. */
export function readRequest(bytes: Buffer): BindingRequest | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_REQUEST_BYTES || bytes.length % 4 !== 0) return undefined;
  if (bytes.readUInt16BE(0) !== BINDING_REQUEST || bytes.readUInt16BE(2) !== bytes.length - HEADER_BYTES || bytes.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  const unknown: number[] = [];
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const [type, sizeBytes] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2)];
    at += ATTRIBUTE_HEADER_BYTES + Math.ceil(sizeBytes / 4) * 4;
    if (at > bytes.length) return undefined;
    if (type < OPTIONAL_FROM && !UNDERSTOOD.has(type) && unknown.length < 16) unknown.push(type);
  }
  return { transaction: bytes.subarray(8, HEADER_BYTES), unknown };
}

/** What is sent back to `from`: where the request came from, or what of it is not understood. */
export function answer({ transaction, unknown }: BindingRequest, from: Endpoint): Buffer {
  if (unknown.length === 0) return message(BINDING_SUCCESS, transaction, [[ATTRIBUTE.xorMapped, xorAddress(from, transaction)]]);
  const types = Buffer.alloc(unknown.length * 2);
  for (const [i, type] of unknown.entries()) types.writeUInt16BE(type, i * 2);
  return message(BINDING_ERROR, transaction, [[ATTRIBUTE.errorCode, Buffer.of(0, 0, Math.floor(UNKNOWN_ATTRIBUTE / 100), UNKNOWN_ATTRIBUTE % 100)], [ATTRIBUTE.unknown, types]]);
}

function message(type: number, transaction: Buffer, attributes: readonly (readonly [number, Buffer])[]): Buffer {
  const body = Buffer.concat(attributes.flatMap(([name, value]) => {
    const head = Buffer.alloc(ATTRIBUTE_HEADER_BYTES);
    head.writeUInt16BE(name, 0);
    head.writeUInt16BE(value.length, 2);
    return [head, value, Buffer.alloc(-value.length & 3)];
  }));
  const head = Buffer.alloc(HEADER_BYTES - TRANSACTION_BYTES);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(body.length, 2);
  head.writeUInt32BE(MAGIC_COOKIE, 4);
  return Buffer.concat([head, transaction, body]);
}

/** XOR-MAPPED-ADDRESS (RFC 8489, 14.2): routers rewrite addresses that they find in a packet, but not these. */
function xorAddress({ address, port }: Endpoint, transaction: Buffer): Buffer {
  const plain = addressBytes(address);
  const mask = Buffer.concat([Buffer.alloc(4), transaction]);
  mask.writeUInt32BE(MAGIC_COOKIE);
  const head = Buffer.of(0, plain.length === 4 ? FAMILY.ipv4 : FAMILY.ipv6, 0, 0);
  head.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  return Buffer.concat([head, plain.map((byte, i) => byte ^ (mask[i] ?? 0))]);
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // As a URL writes it, an IPv6 address has no dots and no zone.
  const [left = '', right] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const [before, after] = [groups(left), groups(right ?? '')];
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after].entries()) bytes.writeUInt16BE(group, i * 2);
  return bytes;
}
