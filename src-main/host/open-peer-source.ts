import { endsIn, isCoded, peerOf, withPeer, type PeerId } from '../base/index.ts';
import type { FrameStream, Mesh, PeerSummary } from '../mesh/index.ts';
import { BITSWAP_LIMITS, BITSWAP_PROTOCOL, BLOCK_LIMITS, BLOCK_PROTOCOL, exchangeErrors, PeerSource, type Bitswap, type BufferPool, type Source, type SourceSink } from '../store/index.ts';
import { firstOf } from './first-of.ts';

/** Of an address, before the next one is tried as well (RFC 8305, "Connection Attempt Delay"). */
const HEAD_START_MS = 250;
/** Of a connection for itself, which is faster, before a connection to the peer that is there already has to do. */
const MESH_HEAD_START_MS = 1000;

export interface OpenPeerSource {
  readonly mesh: Mesh;
  /** Of one peer, of its main process or of the one that moves shards: the first that answers is taken, and one that is silent is not waited for. */
  readonly addresses: readonly string[];
  readonly sink: SourceSink;
  readonly pool: BufferPool;
  /** For peers that are IPFS nodes; without it they are none to fetch from. */
  readonly bitswap?: Bitswap | undefined;
  readonly agent: string;
  readonly signal?: AbortSignal | undefined;
}

type Opening = Omit<OpenPeerSource, 'addresses' | 'signal'> & { readonly signal: AbortSignal };

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

/** At several addresses in turn, each soon after the one before, until one has greeted us; over the connection that is there already when none does. */
async function openAtAny({ addresses: _, signal: caller, ...options }: OpenPeerSource, addresses: readonly string[], none: Error): Promise<Source> {
  const linked = linkTo(options.mesh, addresses);
  const attempts = inOrder(addresses, linked).map((address) => (signal: AbortSignal) => openAt({ ...options, signal }, address));
  if (linked !== undefined) attempts.push((signal) => openOver({ ...options, signal }, linked.peer));
  const headStartMs = (index: number): number => (index === addresses.length - 1 ? MESH_HEAD_START_MS : HEAD_START_MS);
  return await firstOf(attempts, { headStartMs, signal: caller, discard: (late) => late.close() }) ?? Promise.reject(none);
}

const linkTo = (mesh: Mesh, [address]: readonly string[]): PeerSummary | undefined =>
  (address === undefined ? undefined : mesh.peers().find(({ peer }) => peer === peerOf(address)));

/** Where the peer was reached it will be again; where it came from (inbound) it need not listen. Over relays last: they carry little. */
export function inOrder(addresses: readonly string[], linked: Pick<PeerSummary, 'peer' | 'address' | 'direction'> | undefined): readonly string[] {
  const rank = (address: string): number => {
    if (address.includes('/p2p-circuit')) return 2;
    return linked?.direction === 'outbound' && address === withPeer(linked.address, linked.peer) ? 0 : 1;
  };
  return addresses.toSorted((a, b) => rank(a) - rank(b));
}

async function openAt(options: Opening, address: string): Promise<Source> {
  const { mesh, signal } = options;
  const direct = await mesh.openDirect(address, BLOCK_PROTOCOL, { limits: BLOCK_LIMITS, signal }).catch((error: unknown) => {
    // Somebody is there who takes no such streams, perhaps, or it is no address for them; all else is the same for any stream.
    if (!isCoded(error, 'MESH_DIAL_FAILED') || !['unreachable', 'no handshake', 'bad address'].includes(String(error.meta['reason']))) throw error;
  });
  return direct === undefined ? openOver(options, await mesh.dial(address, { signal })) : greeted(options, direct);
}

/** Over the connection to a peer that is there. */
async function openOver(options: Opening, peer: PeerId): Promise<Source> {
  const { mesh, bitswap, signal } = options;
  try {
    return await greeted(options, await mesh.open(peer, BLOCK_PROTOCOL, { limits: BLOCK_LIMITS, signal }));
  } catch (error) {
    if (bitswap === undefined || !isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED')) throw error;
    return openBitswap(options, { bitswap, peer });
  }
}

/** Whom another address was faster than is let go, whatever it is doing. */
async function greeted({ agent, sink, pool, signal }: Opening, stream: FrameStream): Promise<Source> {
  const drop = (): void => stream.abort(exchangeErrors.cancelled({}));
  signal.addEventListener('abort', drop, { once: true });
  if (signal.aborted) drop();
  return PeerSource.open({ stream, agent, sink, pool }).finally(() => signal.removeEventListener('abort', drop));
}

// What it speaks is known once a stream of it is open; one that is ended unused asks for nothing.
async function openBitswap({ mesh, sink, signal }: Opening, { bitswap, peer }: { readonly bitswap: Bitswap; readonly peer: PeerId }): Promise<Source> {
  const probe = await mesh.open(peer, BITSWAP_PROTOCOL, { limits: BITSWAP_LIMITS, signal });
  void probe.close().catch(() => undefined);
  return bitswap.source(peer, sink);
}
