import { withBitswap } from '@helia/bitswap';
import { withLibp2pLight, type HeliaWithLibp2p } from '@helia/libp2p';
import { identify, type Identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { blake3 } from '@napi-rs/blake-hash';
import { createHeliaLight } from 'helia';
import type { MultihashHasher } from 'multiformats/hashes/interface';
import { from } from 'multiformats/hashes/hasher';
import { BLAKE3 } from '../../src-main/store/index.ts';

/** What a node of IPFS needs to know of shards: their hash. */
const hasher: MultihashHasher<typeof BLAKE3> = from({ name: 'blake3', code: BLAKE3, encode: (bytes) => Uint8Array.from(blake3(bytes)) });

export type TestHelia = HeliaWithLibp2p<{ identify: Identify }>;

/** A node of another IPFS implementation, started, with the parts and order of its default configuration that loopback has a use for: nothing looks for hosts outside. */
export async function startHelia(): Promise<TestHelia> {
  const helia = withBitswap(withLibp2pLight(createHeliaLight({ hashers: [hasher] }), {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise(), tls()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  }));
  return helia.start();
}

export const addressesOf = (helia: TestHelia): string[] => helia.libp2p.getMultiaddrs().map((address) => address.toString());
