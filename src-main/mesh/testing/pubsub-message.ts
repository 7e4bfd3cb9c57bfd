import { randomBytes } from 'node:crypto';
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, Ed25519PublicKey } from '@libp2p/interface';
import { varint } from '../streams/encode-frame.ts';

/** One message of libp2p's pubsub protobuf, written by hand so that a test may get it wrong. */
export interface PubsubMessage {
  readonly author: Ed25519PublicKey;
  /** Who signs; nobody when undefined. */
  readonly signer?: Ed25519PrivateKey;
  readonly topic: string;
  readonly data: Uint8Array;
  /** What goes over the wire in place of `data`, after signing. */
  readonly tamperedData?: Uint8Array;
  /** 8 bytes; by default never the same. */
  readonly seqno?: Uint8Array;
}

const FIELD = { from: 1, data: 2, seqno: 3, topic: 4, signature: 5, key: 6 } as const;
const RPC_PUBLISH_FIELD = 2;

/** A length-prefixed RPC that publishes one message, as gossipsub reads it from its stream. */
export async function publishRpc({ author, signer, topic, data, tamperedData = data, seqno = randomBytes(8) }: PubsubMessage): Promise<Uint8Array> {
  const from = author.toMultihash().bytes;
  const body = (bytes: Uint8Array): Buffer =>
    Buffer.concat([field(FIELD.from, from), field(FIELD.data, bytes), field(FIELD.seqno, seqno), field(FIELD.topic, Buffer.from(topic))]);
  const signed = Buffer.concat([Buffer.from('libp2p-pubsub:'), body(data)]);
  const proof = signer === undefined ? [] : [field(FIELD.signature, await signer.sign(signed)), field(FIELD.key, publicKeyToProtobuf(signer.publicKey))];
  const rpc = field(RPC_PUBLISH_FIELD, Buffer.concat([body(tamperedData), ...proof]));
  return Buffer.concat([varint(rpc.length), rpc]);
}

const field = (number: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes]);
