import { isCoded, type PeerId } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { BITSWAP_LIMITS, BITSWAP_PROTOCOL, BLOCK_LIMITS, BLOCK_PROTOCOL, exchangeErrors, PeerSource, type Bitswap, type BufferPool, type Source, type SourceSink } from '../store/index.ts';

export interface OpenPeerSource {
  readonly mesh: Mesh;
  /** Of the peer's main process or of the one that moves shards. */
  readonly address: string;
  readonly sink: SourceSink;
  readonly pool: BufferPool;
  /** For peers that are IPFS nodes; without it they are none to fetch from. */
  readonly bitswap?: Bitswap | undefined;
  readonly agent: string;
  readonly signal?: AbortSignal | undefined;
}

/** Dials a peer and opens a stream to the process of it that moves shards. Throws MESH_DIAL_FAILED, MESH_*, EXCHANGE_*. */
export async function openPeerSource(options: OpenPeerSource): Promise<Source> {
  const source = await openAt(options, options.address);
  if (!(source instanceof PeerSource)) return source;
  const { transfer } = await source.hello;
  if (transfer === undefined) return source;
  source.close();
  await options.mesh.hangUp(source.peer);
  return openAtAny(options, source.peer, transfer);
}

async function openAtAny(options: OpenPeerSource, peer: PeerId, addresses: readonly string[]): Promise<Source> {
  let failure: unknown = exchangeErrors.linkLost({ peer, reason: 'it has nowhere to transfer from' });
  // The other process has the same identity; an address that ends in another one would be a third node's.
  for (const address of addresses.filter((one) => one.endsWith(`/p2p/${peer}`))) {
    try {
      return await openAt(options, address);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function openAt({ mesh, sink, pool, agent, bitswap, signal }: OpenPeerSource, address: string): Promise<Source> {
  const within = signal === undefined ? {} : { signal };
  const peer = await mesh.dial(address, within);
  try {
    const stream = await mesh.open(peer, BLOCK_PROTOCOL, { limits: BLOCK_LIMITS, ...within });
    return await PeerSource.open({ stream, agent, sink, pool });
  } catch (error) {
    if (bitswap === undefined || !isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED')) throw error;
    return openBitswap({ mesh, bitswap, sink, peer });
  }
}

// What it speaks is known once a stream of it is open; one that is ended unused asks for nothing.
async function openBitswap({ mesh, bitswap, sink, peer }: Pick<OpenPeerSource, 'mesh' | 'sink'> & { readonly bitswap: Bitswap; readonly peer: PeerId }): Promise<Source> {
  const probe = await mesh.open(peer, BITSWAP_PROTOCOL, { limits: BITSWAP_LIMITS });
  void probe.close().catch(() => undefined);
  return bitswap.source(peer, sink);
}
