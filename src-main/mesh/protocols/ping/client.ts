import type { Clock } from '../../../base/index.ts';
import { askOnce } from '../../streams/ask-once.ts';
import type { FrameStream } from '../../types.ts';
import { pingErrors } from './errors.ts';
import { isEchoOf, newPing } from './schema.ts';

export interface PingOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One round trip in ms on a fresh stream of PING_PROTOCOL, which is ended after. Throws MESH_REQUEST_TIMEOUT, MESH_RESPONSE_INVALID. */
export async function ping(stream: FrameStream, { clock, signal }: PingOptions): Promise<number> {
  const sent = newPing();
  const begunMs = clock.monotonicMs();
  const echo = await askOnce(stream, { request: sent, signal });
  const rttMs = clock.monotonicMs() - begunMs;
  if (echo === undefined) throw pingErrors.invalid(stream.peer, 'it ended the stream without an answer');
  if (!isEchoOf(sent, echo)) throw pingErrors.invalid(stream.peer, 'it answered with other bytes');
  return rttMs;
}
