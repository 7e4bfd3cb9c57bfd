import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { asPeerId, type PeerId } from '../../base/index.ts';
import type { Signer } from '../types.ts';

/**
 * Signs with the node's key, which stays here. The same key proves handshakes and topic messages, so that whoever signs
 * begins the bytes with a prefix of its own: a signature must never mean two things.
 */
export function createSigner(key: Ed25519PrivateKey): Signer {
  return { peerId: asPeerId(key.publicKey.toString()), sign: async (bytes) => key.sign(bytes) };
}

/** Whether `peer` signed these bytes; the id of an Ed25519 peer holds its public key. False for anything that is no such id or signature. */
export function verifySignature(peer: PeerId, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return Promise.resolve(isSignedBy(peer, bytes, signature));
}

/** The same at once, for guards: Node's own crypto makes nobody wait. */
export function isSignedBy(peer: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const id = peerIdFromString(peer);
    // One spelling of each id: two texts for one peer would be two names in receipts.
    return id.type === 'Ed25519' && id.toString() === peer && id.publicKey.verify(bytes, signature) === true;
  } catch {
    return false;
  }
}
