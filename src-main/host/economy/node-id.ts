import { base58btc } from 'multiformats/bases/base58';
import type { PeerId } from '../../base/index.ts';
import type { Hex, NodeSigner } from '../../chain/index.ts';
import type { Signer } from '../../mesh/index.ts';
import { hostErrors } from '../errors.ts';

/** An identity multihash (0x00, 36 bytes) of libp2p's protobuf of an Ed25519 key (type 1, 32 bytes): specs/peer-ids. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
const KEY_BYTES = 32;

/** The 32 bytes of its key, by which the contracts know a node. Throws HOST_NO_NODE_ID for ids of other kinds of keys. */
export function nodeIdOf(peerId: PeerId): Hex {
  const bytes = base58btc.baseDecode(peerId);
  if (bytes.length !== PREFIX.length + KEY_BYTES || !PREFIX.every((byte, i) => bytes[i] === byte)) throw hostErrors.noNodeId({ peerId });
  return `0x${Buffer.from(bytes.subarray(PREFIX.length)).toString('hex')}`;
}

export const nodeSignerOf = (signer: Signer): NodeSigner => ({ nodeId: nodeIdOf(signer.peerId), sign: (message) => signer.sign(message) });
