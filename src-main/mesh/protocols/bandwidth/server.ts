import type { RateLimiter } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { FRAME_BYTES } from './constants.ts';
import { bandwidthErrors } from './errors.ts';

export interface EchoRates {
  readonly perPeer: RateLimiter;
  readonly total: RateLimiter;
}

/** Echoes frames until the peer ends the stream, then ends it too. It never sends more than it was sent. Rejects with the stream's error. */
export async function serveBandwidth(stream: FrameStream, { perPeer, total }: EchoRates): Promise<void> {
  for await (const frame of stream) {
    if (frame.byteLength !== FRAME_BYTES) return stream.abort(bandwidthErrors.invalid(stream.peer, `a frame of ${frame.byteLength} bytes`));
    if (!perPeer.take(stream.peer) || !total.take('')) return stream.abort(bandwidthErrors.tooMany(stream.peer));
    await stream.send(frame);
  }
  await stream.close();
}
