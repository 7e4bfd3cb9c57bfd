import { endsIn, isCoded, type PeerId } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { BITSWAP_LIMITS, BITSWAP_PROTOCOL, BLOCK_LIMITS, BLOCK_PROTOCOL, exchangeErrors, PeerSource, type Bitswap, type BufferPool, type Source, type SourceSink } from '../store/index.ts';

export interface OpenPeerSource {
  readonly mesh: Mesh;
  /** Of one peer, of its main process or of the one that moves shards: the first that answers is taken. */
  readonly addresses: readonly string[];
  readonly sink: SourceSink;
  readonly pool: BufferPool;
  /** For peers that are IPFS nodes; without it they are none to fetch from. */
  readonly bitswap?: Bitswap | undefined;
  readonly agent: string;
  readonly signal?: AbortSignal | undefined;
}

/** Opens a stream to the process of a peer that moves shards, with a connection for itself where the peer takes such. Throws MESH_DIAL_FAILED, MESH_*, EXCHANGE_*. */
export async function openPeerSource(options: OpenPeerSource): Promise<Source> {
  const source = await openAtAny(options, options.addresses, exchangeErrors.linkLost({ peer: 'a peer', reason: 'no address of it is known' }));
  if (!(source instanceof PeerSource)) return source;
  const { transfer } = await source.hello;
  if (transfer === undefined) return source;
  source.close();
  await options.mesh.hangUp(source.peer);
  // The other process has the same identity; an address that ends in another one would be a third node's.
  return openAtAny(options, transfer.filter((one) => endsIn(one, source.peer)), exchangeErrors.linkLost({ peer: source.peer, reason: 'it has nowhere to transfer from' }));
}

async function openAtAny(options: OpenPeerSource, addresses: readonly string[], none: Error): Promise<Source> {
  let failure: unknown = none;
  for (const address of addresses) {
    try {
      return await openAt(options, address);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function openAt({ mesh, sink, pool, agent, bitswap, signal }: OpenPeerSource, address: string): Promise<Source> {
  const options = { limits: BLOCK_LIMITS, ...(signal === undefined ? {} : { signal }) };
  const direct = await mesh.openDirect(address, BLOCK_PROTOCOL, options).catch((error: unknown) => {
    // Somebody is there who takes no such streams, perhaps; all else is the same for any stream.
    if (!isCoded(error, 'MESH_DIAL_FAILED') || error.meta['reason'] !== 'unreachable') throw error;
  });
  if (direct !== undefined) return PeerSource.open({ stream: direct, agent, sink, pool });
  const peer = await mesh.dial(address, options);
  try {
    return await PeerSource.open({ stream: await mesh.open(peer, BLOCK_PROTOCOL, options), agent, sink, pool });
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
