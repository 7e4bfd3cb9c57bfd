import { CID } from 'multiformats/cid';
import { reader, writer, type Reader } from 'protons-runtime';
import { bitswapErrors } from './errors.ts';
import { MAX_ANSWERS, MAX_CID_BYTES, MAX_WANTS } from './options.ts';

/** Fields and wire types of `bitswap.message.proto` (IPFS bitswap specification, version 1.2.0). */
const VARINT = 0;
const BYTES = 2;
const MESSAGE = { wantlist: 1, payload: 3, presences: 4 } as const;
const WANTLIST = { entries: 1, full: 2 } as const;
const ENTRY = { cid: 1, priority: 2, cancel: 3, wantType: 4, sendDontHave: 5 } as const;
const BLOCK = { prefix: 1, data: 2 } as const;
const PRESENCE = { cid: 1, type: 2 } as const;
const WANT_HAVE = 1;
const DONT_HAVE = 1;

export interface Want {
  readonly cid: CID;
  /** The block itself, or only whether it is there. */
  readonly kind: 'block' | 'have';
  readonly isCancel: boolean;
  /** Whether to be told that it is not there. */
  readonly wantsRefusal: boolean;
}

export interface ReceivedBlock {
  readonly codec: number;
  readonly hash: number;
  readonly digestBytes: number;
  /** A view of the message. */
  readonly data: Uint8Array;
}

export interface Presence {
  readonly cid: CID;
  readonly isHere: boolean;
}

export interface BitswapMessage {
  /** Everything that the sender wants: earlier wants are over. */
  readonly isFull: boolean;
  readonly wants: readonly Want[];
  readonly blocks: readonly ReceivedBlock[];
  readonly presences: readonly Presence[];
}

/** Reads and checks one message. Throws BITSWAP_BAD_MESSAGE, BITSWAP_FLOODED (fault peer). */
export function decodeMessage(bytes: Uint8Array, peer: string): BitswapMessage {
  const wants: Want[] = [];
  const blocks: ReceivedBlock[] = [];
  const presences: Presence[] = [];
  let isFull = false;
  const bad = (reason: string, cause?: unknown): Error => bitswapErrors.badMessage({ peer, reason }, cause);
  const tooMany = (what: string): Error => bitswapErrors.flooded({ peer, what });
  try {
    eachField(bytes, {
      [MESSAGE.wantlist]: (list) => eachField(list.bytes(), {
        [WANTLIST.entries]: (entry) => {
          if (wants.length >= MAX_WANTS) throw tooMany(`more than ${MAX_WANTS} blocks at once`);
          wants.push(readWant(entry.bytes()));
        },
        [WANTLIST.full]: (field) => { isFull = field.uint32() !== 0; },
      }, VARINT_OF_WANTLIST),
      [MESSAGE.payload]: (field) => {
        if (blocks.length >= MAX_ANSWERS) throw tooMany(`room for more than ${MAX_ANSWERS} blocks in a message`);
        blocks.push(readBlock(field.bytes()));
      },
      [MESSAGE.presences]: (field) => {
        if (presences.length >= MAX_ANSWERS) throw tooMany(`room for more than ${MAX_ANSWERS} answers in a message`);
        presences.push(readPresence(field.bytes()));
      },
    });
  } catch (error) {
    throw error instanceof Malformed || error instanceof RangeError ? bad(error.message, error) : error;
  }
  return { isFull, wants, blocks, presences };
}

/** What is wrong with a message; never leaves this file. */
class Malformed extends Error {}

type Readers = Readonly<Record<number, (field: Reader) => void>>;

const VARINT_OF_WANTLIST: ReadonlySet<number> = new Set([WANTLIST.full]);
const VARINT_OF_ENTRY: ReadonlySet<number> = new Set([ENTRY.priority, ENTRY.cancel, ENTRY.wantType, ENTRY.sendDontHave]);
const VARINT_OF_PRESENCE: ReadonlySet<number> = new Set([PRESENCE.type]);

/** Fields that nobody reads are skipped, as protobuf has it; groups, which nobody sends, are refused. */
function eachField(bytes: Uint8Array, readers: Readers, varints: ReadonlySet<number> = new Set()): void {
  const input = reader(bytes);
  while (input.pos < input.len) {
    const tag = input.uint32();
    const [field, type] = [tag >>> 3, tag & 7];
    const read = readers[field];
    if (read === undefined) skip(input, type);
    else if (type === (varints.has(field) ? VARINT : BYTES)) read(input);
    else throw new Malformed(`field ${field} of type ${type}`);
  }
  if (input.pos > input.len) throw new Malformed('a field cut off');
}

function skip(input: Reader, type: number): void {
  if (type === 3 || type === 4 || type > 5) throw new Malformed(`a field of type ${type}`);
  input.skipType(type);
}

function readWant(bytes: Uint8Array): Want {
  let [cid, kind, isCancel, wantsRefusal]: [CID | undefined, Want['kind'], boolean, boolean] = [undefined, 'block', false, false];
  eachField(bytes, {
    [ENTRY.cid]: (field) => { cid = readCid(field.bytes()); },
    [ENTRY.priority]: (field) => { field.int32(); },
    [ENTRY.cancel]: (field) => { isCancel = field.uint32() !== 0; },
    [ENTRY.wantType]: (field) => { kind = field.uint32() === WANT_HAVE ? 'have' : 'block'; },
    [ENTRY.sendDontHave]: (field) => { wantsRefusal = field.uint32() !== 0; },
  }, VARINT_OF_ENTRY);
  if (cid === undefined) throw new Malformed('a want without a CID');
  return { cid, kind, isCancel, wantsRefusal };
}

function readBlock(bytes: Uint8Array): ReceivedBlock {
  let [prefix, data]: [readonly number[] | undefined, Uint8Array] = [undefined, new Uint8Array(0)];
  eachField(bytes, { [BLOCK.prefix]: (field) => { prefix = readPrefix(field.bytes()); }, [BLOCK.data]: (field) => { data = field.bytes(); } });
  const [version, codec, hash, digestBytes] = prefix ?? [];
  if (version === undefined || version > 1 || codec === undefined || hash === undefined || digestBytes === undefined) throw new Malformed('a block without a proper prefix');
  return { codec, hash, digestBytes, data };
}

/** Version, codec, hash and bytes of the digest: a CID without the digest. */
function readPrefix(bytes: Uint8Array): readonly number[] {
  const input = reader(bytes);
  const numbers: number[] = [];
  while (input.pos < input.len && numbers.length < 4) numbers.push(input.uint32());
  return input.pos === input.len ? numbers : [];
}

function readPresence(bytes: Uint8Array): Presence {
  let [cid, isHere]: [CID | undefined, boolean] = [undefined, true];
  eachField(bytes, { [PRESENCE.cid]: (field) => { cid = readCid(field.bytes()); }, [PRESENCE.type]: (field) => { isHere = field.uint32() !== DONT_HAVE; } }, VARINT_OF_PRESENCE);
  if (cid === undefined) throw new Malformed('a presence without a CID');
  return { cid, isHere };
}

// Its own bytes: a want outlives the message of up to 4 MiB that it came in.
function readCid(bytes: Uint8Array): CID {
  if (bytes.length > MAX_CID_BYTES) throw new Malformed(`a CID of ${bytes.length} bytes`);
  try {
    return CID.decode(Uint8Array.from(bytes));
  } catch (cause) {
    throw new Malformed('what is no CID', { cause });
  }
}

/** One message with wants, added to those before. */
export function encodeWants(wants: readonly Want[]): Uint8Array {
  const list = writer();
  for (const want of wants) list.uint32(tag(WANTLIST.entries, BYTES)).bytes(encodeWant(want));
  return writer().uint32(tag(MESSAGE.wantlist, BYTES)).bytes(list.finish()).finish();
}

function encodeWant({ cid, kind, isCancel, wantsRefusal }: Want): Uint8Array {
  const entry = writer().uint32(tag(ENTRY.cid, BYTES)).bytes(cid.bytes).uint32(tag(ENTRY.priority, VARINT)).int32(1);
  if (isCancel) entry.uint32(tag(ENTRY.cancel, VARINT)).uint32(1);
  if (kind === 'have') entry.uint32(tag(ENTRY.wantType, VARINT)).uint32(WANT_HAVE);
  if (wantsRefusal) entry.uint32(tag(ENTRY.sendDontHave, VARINT)).uint32(1);
  return entry.finish();
}

/** One message with one block, in parts: the block's bytes are not copied. */
export function encodeBlock(cid: CID, data: Uint8Array): readonly Uint8Array[] {
  const prefix = writer().uint32(cid.version).uint32(cid.code).uint32(cid.multihash.code).uint32(cid.multihash.size).finish();
  const head = writer().uint32(tag(BLOCK.prefix, BYTES)).bytes(prefix).uint32(tag(BLOCK.data, BYTES)).uint32(data.length).finish();
  return [writer().uint32(tag(MESSAGE.payload, BYTES)).uint32(head.length + data.length).finish(), head, data];
}

export function encodePresences(presences: readonly Presence[]): Uint8Array {
  const message = writer();
  for (const { cid, isHere } of presences) {
    const presence = writer().uint32(tag(PRESENCE.cid, BYTES)).bytes(cid.bytes);
    if (!isHere) presence.uint32(tag(PRESENCE.type, VARINT)).uint32(DONT_HAVE);
    message.uint32(tag(MESSAGE.presences, BYTES)).bytes(presence.finish());
  }
  return message.finish();
}

const tag = (field: number, type: number): number => (field << 3) | type;
