import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { reader, writer, type Reader } from 'protons-runtime';
import { MAX_ADDRESSES } from './constants.ts';

/** Fields and wire types of autonat-v2.proto (libp2p specs). */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const MESSAGE = { request: 1, response: 2, dataRequest: 3 } as const;
const REQUEST = { addresses: 1, nonce: 2 } as const;
const RESPONSE = { status: 1, index: 2, dial: 3 } as const;
const DIAL_BACK = { nonce: 1 } as const;
const STATUS = { rejected: 100, refused: 101, ok: 200 } as const;
const DIAL = { unused: 0, failed: 100, backFailed: 101, ok: 200 } as const;

export interface DialRequest {
  /** In the order of preference; undefined stands for what is no address. */
  readonly addresses: readonly (Multiaddr | undefined)[];
  readonly nonce: bigint;
}

/**
 * `reached`: the address was dialled and we answered; `not reached`: it was dialled in vain; `unclear`: somebody answered but not as agreed;
 * `refused`: none was dialled, for its kind or its host; `busy`: too much is asked at present; `wants data`: not before it is sent bytes for it.
 */
export type DialOutcome = 'reached' | 'not reached' | 'unclear' | 'refused' | 'busy' | 'wants data';
export interface DialResponse {
  readonly outcome: DialOutcome;
  /** Which of the addresses was dialled. */
  readonly index: number;
}

export const encodeRequest = ({ address, nonce }: { readonly address: Multiaddr; readonly nonce: bigint }): Uint8Array =>
  nested(MESSAGE.request, writer().uint32(tag(REQUEST.addresses, BYTES)).bytes(address.bytes).uint32(tag(REQUEST.nonce, FIXED64)).fixed64(nonce).finish());

export function encodeResponse({ outcome, index }: DialResponse): Uint8Array {
  const [status, dial] = CODES[outcome];
  return nested(MESSAGE.response, writer().uint32(tag(RESPONSE.status, VARINT)).uint32(status).uint32(tag(RESPONSE.index, VARINT)).uint32(index)
    .uint32(tag(RESPONSE.dial, VARINT)).uint32(dial).finish());
}

const CODES: Readonly<Record<DialOutcome, readonly [status: number, dial: number]>> = {
  reached: [STATUS.ok, DIAL.ok], 'not reached': [STATUS.ok, DIAL.failed], unclear: [STATUS.ok, DIAL.backFailed],
  refused: [STATUS.refused, DIAL.unused], busy: [STATUS.rejected, DIAL.unused], 'wants data': [STATUS.refused, DIAL.unused],
};

/** Undefined for what is no request. */
export function decodeRequest(bytes: Uint8Array): DialRequest | undefined {
  const addresses: (Multiaddr | undefined)[] = [];
  let nonce: bigint | undefined;
  const isRead = readFields(bytes, {
    [MESSAGE.request]: [BYTES, (body) => readFields(body.bytes(), {
      [REQUEST.addresses]: [BYTES, (field) => { if (addresses.length < MAX_ADDRESSES) addresses.push(readAddress(field.bytes())); }],
      [REQUEST.nonce]: [FIXED64, (field) => { nonce = field.fixed64(); }],
    })],
  });
  return isRead && nonce !== undefined && addresses.length > 0 ? { addresses, nonce } : undefined;
}

/** Undefined for what is no response. */
export function decodeResponse(bytes: Uint8Array): DialResponse | undefined {
  let [status, index, dial, wantsData]: [number | undefined, number, number, boolean] = [undefined, 0, 0, false];
  const isRead = readFields(bytes, {
    [MESSAGE.response]: [BYTES, (body) => readFields(body.bytes(), {
      [RESPONSE.status]: [VARINT, (field) => { status = field.uint32(); }],
      [RESPONSE.index]: [VARINT, (field) => { index = field.uint32(); }],
      [RESPONSE.dial]: [VARINT, (field) => { dial = field.uint32(); }],
    })],
    [MESSAGE.dataRequest]: [BYTES, (body) => { wantsData = true; return body.bytes(); }],
  });
  if (!isRead) return undefined;
  if (wantsData) return { outcome: 'wants data', index };
  const outcome = (['reached', 'not reached', 'unclear', 'refused', 'busy'] as const).find((name) => CODES[name][0] === status && (status !== STATUS.ok || CODES[name][1] === dial));
  return outcome === undefined ? undefined : { outcome, index };
}

export const encodeDialBack = (nonce: bigint): Uint8Array => writer().uint32(tag(DIAL_BACK.nonce, FIXED64)).fixed64(nonce).finish();

export function decodeDialBack(bytes: Uint8Array): bigint | undefined {
  let nonce: bigint | undefined;
  const isRead = readFields(bytes, { [DIAL_BACK.nonce]: [FIXED64, (field) => { nonce = field.fixed64(); }] });
  return isRead ? nonce : undefined;
}

/** DialBackResponse with its only status, OK, which is 0. */
export const DIAL_BACK_OK: Uint8Array = writer().uint32(tag(1, VARINT)).uint32(0).finish();

type Readers = Readonly<Record<number, readonly [type: number, read: (field: Reader) => unknown]>>;

/** False for what is no such message. Fields that nobody reads are skipped, as protobuf has it; groups, which nobody sends, are refused. */
function readFields(bytes: Uint8Array, readers: Readers): boolean {
  try {
    const input = reader(bytes);
    while (input.pos < input.len) {
      const key = input.uint32();
      const [field, type] = [key >>> 3, key & 7];
      const known = readers[field];
      if (type === 3 || type === 4 || type > 5 || (known !== undefined && known[0] !== type)) return false;
      if (known === undefined) input.skipType(type);
      else if (known[1](input) === false) return false;
    }
    return input.pos === input.len;
  } catch {
    return false;
  }
}

function readAddress(bytes: Uint8Array): Multiaddr | undefined {
  try {
    // A copy: the bytes are a view of a frame.
    const address = multiaddr(Uint8Array.from(bytes));
    address.getComponents();
    return address;
  } catch {
    return undefined;
  }
}

const nested = (field: number, body: Uint8Array): Uint8Array => writer().uint32(tag(field, BYTES)).bytes(body).finish();

function tag(field: number, type: number): number {
  return (field << 3) | type;
}
