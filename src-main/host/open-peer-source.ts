import type { PeerId } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, exchangeErrors, PeerSource, type BufferPool, type SourceSink } from '../store/index.ts';

export interface OpenPeerSource {
  readonly mesh: Mesh;
  /** Of the peer's main process or of the one that moves shards. */
  readonly address: string;
  readonly sink: SourceSink;
  readonly pool: BufferPool;
  readonly agent: string;
  readonly signal?: AbortSignal | undefined;
}

/** Dials a peer and opens a stream to the process of it that moves shards. Throws MESH_DIAL_FAILED, MESH_*, EXCHANGE_*. */
export async function openPeerSource(options: OpenPeerSource): Promise<PeerSource> {
  const source = await openAt(options, options.address);
  const { transfer } = await source.hello;
  if (transfer === undefined) return source;
  source.close();
  await options.mesh.hangUp(source.peer);
  return openAtAny(options, source.peer, transfer);
}

async function openAtAny(options: OpenPeerSource, peer: PeerId, addresses: readonly string[]): Promise<PeerSource> {
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

async function openAt({ mesh, sink, pool, agent, signal }: OpenPeerSource, address: string): Promise<PeerSource> {
  const within = signal === undefined ? {} : { signal };
  const peer = await mesh.dial(address, within);
  const stream = await mesh.open(peer, BLOCK_PROTOCOL, { limits: BLOCK_LIMITS, ...within });
  return PeerSource.open({ stream, agent, sink, pool });
}
