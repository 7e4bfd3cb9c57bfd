import type { Multiaddr } from '@multiformats/multiaddr';
import type { RateLimiter } from '../../../base/index.ts';
import { askOnce } from '../../streams/ask-once.ts';
import type { FrameStream } from '../../types.ts';
import { autonatErrors } from './errors.ts';
import { decodeRequest, encodeDialBack, encodeResponse, type DialOutcome, type DialRequest } from './schema.ts';

export interface DialBackServer {
  readonly perPeer: RateLimiter;
  readonly total: RateLimiter;
  /** Whether we would dial an address for this peer at all: it must be where the peer itself is, so that we are not sent to knock at others' doors. */
  readonly mayDial: (peer: string, address: Multiaddr) => boolean;
  /** Dials anew and shows the nonce. Never rejects. */
  readonly dialBack: (peer: string, request: { readonly address: Multiaddr; readonly nonce: bigint }) => Promise<DialOutcome>;
}

/** Answers one request: dials the first of the addresses that we may dial. Rejects with the stream's error. */
export async function serveDialRequest(stream: FrameStream, server: DialBackServer): Promise<void> {
  const { value } = await stream[Symbol.asyncIterator]().next();
  const request = value === undefined ? undefined : decodeRequest(value);
  if (request === undefined) return stream.abort(autonatErrors.invalid(stream.peer, 'a request that is none'));
  await stream.send(encodeResponse(await outcomeOf(stream.peer, request, server)));
  await stream.close();
}

async function outcomeOf(peer: string, { addresses, nonce }: DialRequest, server: DialBackServer): Promise<{ outcome: DialOutcome; index: number }> {
  const index = addresses.findIndex((address) => address !== undefined && server.mayDial(peer, address));
  const address = addresses[index];
  if (address === undefined) return { outcome: 'refused', index: 0 };
  if (!server.perPeer.take(peer) || !server.total.take('all')) return { outcome: 'busy', index };
  return { outcome: await server.dialBack(peer, { address, nonce }), index };
}

/** Shows the nonce, on a fresh stream of DIAL_BACK_PROTOCOL over the connection that was dialled. Rejects when the peer does not take it. */
export async function showNonce(stream: FrameStream, { nonce, signal }: { readonly nonce: bigint; readonly signal: AbortSignal }): Promise<void> {
  if ((await askOnce(stream, { request: encodeDialBack(nonce), signal })) === undefined) throw autonatErrors.invalid(stream.peer, 'it did not take the nonce');
}
