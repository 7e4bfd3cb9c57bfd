import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { base32 } from 'multiformats/bases/base32';
import { asPeerId, endsIn, type PeerId } from '../../base/index.ts';
import { verifySignature } from '../identity/signature.ts';
import type { Signer } from '../types.ts';
import { ZONE_KEY_BYTES, type ZoneKey } from '../zone/zone-key.ts';
import { inviteErrors } from './errors.ts';
import { MAX_INVITE_ADDRESSES, MAX_INVITE_TTL_MS } from './options.ts';

/** The kind of zone that an invitation is to. */
export const INVITE_ZONES = ['local', 'private', 'public'] as const;
export type InviteZone = (typeof INVITE_ZONES)[number];

export interface Invite {
  /** Who made it, as the signature proves. */
  readonly inviter: PeerId;
  readonly zone: InviteZone;
  /** Of a private zone with a shared key. A secret. */
  readonly zoneKey: ZoneKey | undefined;
  /** Of the inviter, each ends in its peer id. */
  readonly addresses: readonly string[];
  /** Unix ms, whole seconds. */
  readonly expiresAtMs: number;
}

export const INVITE_PREFIX = 'omni://join/';
const VERSION = 1;
const SIGNED_PREFIX = Buffer.from('omni-invite/1\0');
const [PEER_KEY_BYTES, SIGNATURE_BYTES, HEAD_BYTES] = [32, 64, 39];
const MAX_ADDRESS_BYTES = 255;
/** What the largest invitation takes, and some room for spaces that a chat program put in. */
const MAX_LINK_CHARS = 4096;

/** Throws INVITE_NO_ADDRESS, INVITE_BAD_ADDRESS, INVITE_TOO_LONG. Layout in docs/protocols/invite.md. */
export async function createInvite(signer: Signer, { zone, zoneKey, addresses, expiresAtMs }: Omit<Invite, 'inviter'>, nowMs: number): Promise<string> {
  if (addresses.length === 0) throw inviteErrors.noAddress({});
  if (expiresAtMs - nowMs > MAX_INVITE_TTL_MS) throw inviteErrors.tooLong({ limitMs: MAX_INVITE_TTL_MS });
  const head = Buffer.alloc(6);
  head.writeUInt8(VERSION, 0);
  head.writeUInt8(INVITE_ZONES.indexOf(zone) * 2 + Number(zoneKey !== undefined), 1);
  head.writeUInt32BE(Math.floor(expiresAtMs / 1000), 2);
  const few = addresses.slice(0, MAX_INVITE_ADDRESSES).map((address) => addressBytes(address, signer.peerId));
  const body = Buffer.concat([head, keyOf(signer.peerId), zoneKey ?? new Uint8Array(0), Buffer.of(few.length), ...few.flatMap((bytes) => [Buffer.of(bytes.length), bytes])]);
  const signature = await signer.sign(Buffer.concat([SIGNED_PREFIX, body]));
  return INVITE_PREFIX + base32.baseEncode(Buffer.concat([body, signature]));
}

/** Checks the whole link before anything of it is used. Throws INVITE_NOT_A_LINK, INVITE_GARBLED, INVITE_NEWER, INVITE_FORGED, INVITE_EXPIRED. */
export async function readInvite(link: string, nowMs: number): Promise<Invite> {
  const bytes = bytesOf(link);
  const body = bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_BYTES));
  const invite = parse(body);
  const isSigned = await verifySignature(invite.inviter, Buffer.concat([SIGNED_PREFIX, body]), bytes.subarray(body.length));
  if (!isSigned) throw inviteErrors.forged({ inviter: invite.inviter });
  if (invite.expiresAtMs <= nowMs) throw inviteErrors.expired({ expiredAt: new Date(invite.expiresAtMs).toISOString(), now: new Date(nowMs).toISOString() });
  if (invite.expiresAtMs - nowMs > MAX_INVITE_TTL_MS * 2) throw inviteErrors.garbled({ reason: 'it would be good for longer than any invitation is' });
  return invite;
}

// Chat programs break lines, and QR codes are upper case.
function bytesOf(link: string): Uint8Array {
  if (link.length > MAX_LINK_CHARS) throw inviteErrors.notALink({ reason: 'it is far too long' });
  const text = link.replaceAll(/\s/g, '').toLowerCase();
  if (!text.startsWith(INVITE_PREFIX)) throw inviteErrors.notALink({ reason: `it does not begin with ${INVITE_PREFIX}` });
  try {
    return base32.baseDecode(text.slice(INVITE_PREFIX.length).replace(/\/$/, ''));
  } catch (cause) {
    throw inviteErrors.garbled({ reason: 'it has characters that are in no invitation' }, cause);
  }
}

function parse(body: Uint8Array): Invite {
  const version = body[0];
  if (version === undefined || body.length < HEAD_BYTES) throw inviteErrors.garbled({ reason: 'it is too short' });
  if (version !== VERSION) throw inviteErrors.newer({ version });
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const kind = view.getUint8(1);
  const zone = INVITE_ZONES[kind >> 1];
  const hasKey = kind % 2 === 1;
  if (zone === undefined || (hasKey && zone !== 'private')) throw inviteErrors.garbled({ reason: 'it is to a zone of an unknown kind' });
  const keyEnd = 6 + PEER_KEY_BYTES + (hasKey ? ZONE_KEY_BYTES : 0);
  const inviter = peerOfKey(body.subarray(6, 6 + PEER_KEY_BYTES));
  return {
    inviter, zone, expiresAtMs: view.getUint32(2) * 1000,
    zoneKey: hasKey && body.length > keyEnd ? (body.slice(6 + PEER_KEY_BYTES, keyEnd) as ZoneKey) : undefined,
    addresses: addressesOf(body.subarray(keyEnd), inviter),
  };
}

function addressesOf(bytes: Uint8Array, inviter: PeerId): string[] {
  const count = bytes[0] ?? 0;
  const addresses: string[] = [];
  let at = 1;
  while (addresses.length < Math.min(count, MAX_INVITE_ADDRESSES)) {
    const size = bytes[at] ?? 0;
    if (size === 0 || at + 1 + size > bytes.length) break;
    addresses.push(textOf(bytes.subarray(at + 1, at + 1 + size), inviter));
    at += 1 + size;
  }
  if (addresses.length !== count || count === 0 || at !== bytes.length) throw inviteErrors.garbled({ reason: 'its addresses are not whole' });
  return addresses;
}

function textOf(bytes: Uint8Array, inviter: PeerId): string {
  try {
    return `${multiaddr(bytes).toString()}/p2p/${inviter}`;
  } catch (cause) {
    throw inviteErrors.garbled({ reason: 'one of its addresses is none' }, cause);
  }
}

/** Without the peer at the end: that is the inviter's own, and said already. */
function addressBytes(address: string, peer: PeerId): Uint8Array {
  const named = address.includes('/p2p/') && !endsIn(address, peer) && !address.endsWith('/p2p-circuit');
  const bare = endsIn(address, peer) ? address.slice(0, -`/p2p/${peer}`.length) : address;
  try {
    const { bytes } = multiaddr(bare);
    if (!named && bytes.length > 0 && bytes.length <= MAX_ADDRESS_BYTES) return bytes;
  } catch (cause) {
    throw inviteErrors.badAddress({ address }, cause);
  }
  throw inviteErrors.badAddress({ address });
}

function keyOf(peer: PeerId): Uint8Array {
  const id = peerIdFromString(peer);
  if (id.type !== 'Ed25519') throw inviteErrors.badAddress({ address: peer });
  return id.publicKey.raw;
}

function peerOfKey(key: Uint8Array): PeerId {
  try {
    return asPeerId(peerIdFromPublicKey(publicKeyFromRaw(key)).toString());
  } catch (cause) {
    throw inviteErrors.garbled({ reason: 'it names no peer' }, cause);
  }
}
