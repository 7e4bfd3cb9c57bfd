import type { Multiaddr } from '@multiformats/multiaddr';
import { askOnce } from '../../streams/ask-once.ts';
import type { FrameStream } from '../../types.ts';
import { autonatErrors } from './errors.ts';
import { decodeDialBack, decodeResponse, DIAL_BACK_OK, encodeRequest, type DialOutcome } from './schema.ts';

export interface DialQuestion {
  readonly address: Multiaddr;
  /** What the dial back has to bring; nobody else knows it. */
  readonly nonce: bigint;
  readonly signal: AbortSignal;
}

/** Asks a peer to dial one address of ours, on a fresh stream of DIAL_REQUEST_PROTOCOL, which is ended after. Throws MESH_REQUEST_TIMEOUT, MESH_RESPONSE_INVALID. */
export async function askDial(stream: FrameStream, { address, nonce, signal }: DialQuestion): Promise<DialOutcome> {
  const bytes = await askOnce(stream, { request: encodeRequest({ address, nonce }), signal });
  if (bytes === undefined) throw autonatErrors.invalid(stream.peer, 'it ended the stream without an answer');
  const response = decodeResponse(bytes);
  if (response === undefined || response.index !== 0) throw autonatErrors.invalid(stream.peer, 'it answered with something else');
  return response.outcome;
}

/** The other end of a dial back: the peer shows the nonce. `isExpected` takes it, once. Rejects with the stream's error, or MESH_RESPONSE_INVALID. */
export async function acceptDialBack(stream: FrameStream, isExpected: (nonce: bigint) => boolean): Promise<void> {
  const { value } = await stream[Symbol.asyncIterator]().next();
  const nonce = value === undefined ? undefined : decodeDialBack(value);
  if (nonce === undefined || !isExpected(nonce)) return stream.abort(autonatErrors.wrongDialBack(stream.peer));
  await stream.send(DIAL_BACK_OK);
  await stream.close();
}
