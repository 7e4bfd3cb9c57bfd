import type { RateLimiter } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { pingErrors } from './errors.ts';
import { isPing } from './schema.ts';

/** Echoes pings until the peer ends the stream, then ends it too. Rejects with the stream's error. */
export async function servePing(stream: FrameStream, rate: RateLimiter): Promise<void> {
  for await (const frame of stream) {
    if (!isPing(frame)) return stream.abort(pingErrors.invalid(stream.peer, `a ping of ${frame.byteLength} bytes`));
    if (!rate.take(stream.peer)) return stream.abort(pingErrors.tooMany(stream.peer));
    await stream.send(frame);
  }
  await stream.close();
}
