import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { asPeerId, type PeerId } from '../../base/index.ts';
import type { ZoneKey } from './zone-key.ts';

/*
 * What a dialler says before anything else, so that a node of a private zone answers members only (docs/protocols/zones.md):
 *
 *   salt 16 | AES-256-GCM( time 8 | public key 32 | signature 64 [ | guest's public key 32 ] ) | tag 16
 *
 * and the listener's answer, 32 bytes. Without the key both are random bytes. A guest is a process with an id of its own, for which
 * the peer that signed answers.
 */
const SALT_BYTES = 16;
const TIME_BYTES = 8;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const TAG_BYTES = 16;
const BODY_BYTES = TIME_BYTES + PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
export const KNOCK_BYTES = SALT_BYTES + BODY_BYTES + TAG_BYTES;
export const GUEST_KNOCK_BYTES = KNOCK_BYTES + PUBLIC_KEY_BYTES;
/** Of a guest's salt: how a listener that knows the secret tells how long the knock is. */
const MARK_BYTES = 4;
export const ANSWER_BYTES = 32;
const CIPHER = 'aes-256-gcm';
/** First byte of a TLS record with a handshake message (RFC 8446, 5.1): a listener tells by it where the knock is. */
export const TLS_HANDSHAKE = 0x16;
/** Each salt has a key of its own (RFC 5869), which encrypts one message only. */
const NONCE = Buffer.alloc(12);
const KNOCK_LABEL = 'omninode zone knock v1';
const GUEST_LABEL = 'omninode zone guest v1';
const ANSWER_LABEL = 'omninode zone answer v1';

export interface Knocker {
  readonly privateKey: Ed25519PrivateKey;
  /** Undefined in a zone that is an allow-list: then the listener's own name keys the knock, and only the signature counts. */
  readonly key: ZoneKey | undefined;
  readonly listener: PeerId;
  /** Who answers for `privateKey`'s peer, where it is a guest. */
  readonly sponsor?: Ed25519PrivateKey | undefined;
}

export interface Knock {
  readonly bytes: Uint8Array;
  /** What a member answers. */
  readonly answer: Uint8Array;
}

export interface OpenedKnock {
  /** With whom the handshake has to end. */
  readonly peer: PeerId;
  /** Who signed; another than `peer` where that is a guest. */
  readonly by: PeerId;
  readonly timeMs: number;
  /** Names this knock among all others; fit for a file's name. */
  readonly id: string;
  readonly answer: Uint8Array;
}

/** KNOCK_BYTES, a guest's GUEST_KNOCK_BYTES, for one listener, which nobody else can use. */
export async function newKnock({ privateKey, key, listener, sponsor }: Knocker, timeMs: number): Promise<Knock> {
  const signer = sponsor ?? privateKey;
  const guest = sponsor === undefined ? new Uint8Array(0) : privateKey.publicKey.raw;
  const salt = newSalt({ key, listener }, sponsor !== undefined);
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(Math.max(0, Math.round(timeMs))));
  const signature = await signer.sign(signed({ listener, salt, time, guest }));
  const keys = keysOf(key, listener, salt);
  const cipher = createCipheriv(CIPHER, keys.cipher, NONCE).setAAD(Buffer.from(listener));
  const body = Buffer.concat([cipher.update(Buffer.concat([time, signer.publicKey.raw, signature, guest])), cipher.final()]);
  return { bytes: Buffer.concat([salt, body, cipher.getAuthTag()]), answer: keys.answer };
}

/** Undefined for what no member made for this listener. Whether it is fresh and who may come is the caller's to check. */
export async function openKnock(bytes: Uint8Array, { key, listener }: Pick<Knocker, 'key' | 'listener'>): Promise<OpenedKnock | undefined> {
  if (bytes.byteLength !== KNOCK_BYTES && bytes.byteLength !== GUEST_KNOCK_BYTES) return undefined;
  const salt = Buffer.from(bytes.subarray(0, SALT_BYTES));
  const keys = keysOf(key, listener, salt);
  const body = decrypt(bytes, keys.cipher, listener);
  if (body === undefined) return undefined;
  const time = body.subarray(0, TIME_BYTES);
  const timeMs = Number(time.readBigUInt64BE());
  const guest = body.subarray(BODY_BYTES);
  const by = await signerOf(body, signed({ listener, salt, time, guest }));
  const peer = guest.length === 0 ? by : peerOfKey(guest);
  return by === undefined || peer === undefined || !Number.isSafeInteger(timeMs) ? undefined : { peer, by, timeMs, id: salt.toString('hex'), answer: keys.answer };
}

/** How long the knock is that begins so; as long as the longest until that is known. */
export function knockBytes(soFar: Buffer, where: Pick<Knocker, 'key' | 'listener'>): number {
  if (soFar.length < SALT_BYTES) return GUEST_KNOCK_BYTES;
  const free = SALT_BYTES - MARK_BYTES;
  return soFar.subarray(free, SALT_BYTES).equals(markOf(soFar.subarray(0, free), where)) ? GUEST_KNOCK_BYTES : KNOCK_BYTES;
}

function newSalt(where: Pick<Knocker, 'key' | 'listener'>, isGuest: boolean): Buffer {
  const salt = randomBytes(SALT_BYTES);
  if (salt[0] === TLS_HANDSHAKE) return newSalt(where, isGuest);
  const free = SALT_BYTES - MARK_BYTES;
  const mark = markOf(salt.subarray(0, free), where);
  if (isGuest) mark.copy(salt, free);
  return !isGuest && salt.subarray(free).equals(mark) ? newSalt(where, isGuest) : salt;
}

const markOf = (free: Uint8Array, { key, listener }: Pick<Knocker, 'key' | 'listener'>): Buffer =>
  createHmac('sha256', secretOf(key, listener)).update(GUEST_LABEL).update(free).digest().subarray(0, MARK_BYTES);

/** A knock as the name of a server in a TLS hello: 182 characters, a guest's 224, of 255 that may be. */
export const knockName = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
export const knockOfName = (name: string | undefined): Uint8Array => Buffer.from(name ?? '', 'base64url');

function decrypt(bytes: Uint8Array, key: Uint8Array, listener: PeerId): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(listener)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

async function signerOf(body: Buffer, what: Uint8Array): Promise<PeerId | undefined> {
  try {
    const publicKey = publicKeyFromRaw(body.subarray(TIME_BYTES, TIME_BYTES + PUBLIC_KEY_BYTES));
    const isSigned = await publicKey.verify(what, body.subarray(TIME_BYTES + PUBLIC_KEY_BYTES, BODY_BYTES));
    return isSigned ? asPeerId(publicKey.toString()) : undefined;
  } catch {
    return undefined;
  }
}

function peerOfKey(raw: Uint8Array): PeerId | undefined {
  try {
    return asPeerId(publicKeyFromRaw(raw).toString());
  } catch {
    return undefined;
  }
}

const signed = ({ listener, salt, time, guest }: { readonly listener: PeerId; readonly salt: Uint8Array; readonly time: Uint8Array; readonly guest: Uint8Array }): Uint8Array =>
  Buffer.concat([Buffer.from(`${guest.byteLength === 0 ? KNOCK_LABEL : GUEST_LABEL}\0${listener}\0`), salt, time, guest]);

const secretOf = (key: ZoneKey | undefined, listener: PeerId): Uint8Array => key ?? Buffer.from(listener);

function keysOf(key: ZoneKey | undefined, listener: PeerId, salt: Uint8Array): { cipher: Uint8Array; answer: Uint8Array } {
  const derive = (label: string): Buffer => Buffer.from(hkdfSync('sha256', secretOf(key, listener), salt, label, 32));
  return { cipher: derive(KNOCK_LABEL), answer: createHmac('sha256', derive(ANSWER_LABEL)).update(listener).digest() };
}
