import type { FrameStream } from '../../types.ts';
import { pingErrors } from './errors.ts';
import { isPing } from './schema.ts';

/** Echoes pings until the peer ends the stream, then ends it too. Rejects with the stream's error. */
export async function servePing(stream: FrameStream): Promise<void> {
  for await (const frame of stream) {
    if (!isPing(frame)) return stream.abort(pingErrors.invalid(stream.peer, `a ping of ${frame.byteLength} bytes`));
    await stream.send(frame);
  }
  await stream.close();
}
