import { base58btc } from 'multiformats/bases/base58';
import type { PeerId } from '../../base/index.ts';
import type { Hex, NodeSigner } from '../../chain/index.ts';
import type { Signer } from '../../pipeline/index.ts';

/** An identity multihash of libp2p's protobuf of an Ed25519 key: what comes before the key's 32 bytes. */
const HEAD = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

/** The 32 bytes of the key that a peer id holds; undefined for a peer with another kind of key. */
export function nodeIdOf(peer: PeerId): Hex | undefined {
  try {
    const bytes = base58btc.decode(`z${peer}`);
    const isEd25519 = bytes.length === HEAD.length + 32 && HEAD.every((byte, i) => bytes[i] === byte);
    return isEd25519 ? `0x${Buffer.from(bytes.subarray(HEAD.length)).toString('hex')}` : undefined;
  } catch {
    return undefined;
  }
}

/** The peer id of a node with such a key, as people know it. */
export const peerIdOf = (nodeId: Hex): string => base58btc.encode(Uint8Array.of(...HEAD, ...Buffer.from(nodeId.slice(2), 'hex'))).slice(1);

/** The node's identity, for bills and for its binding to an account. */
export const nodeSignerOf = (signer: Signer): NodeSigner => ({ nodeId: nodeIdOf(signer.peerId) ?? '0x', sign: (message) => signer.sign(message) });
