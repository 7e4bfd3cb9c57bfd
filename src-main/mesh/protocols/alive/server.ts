import type { FrameStream } from '../../types.ts';
import { aliveErrors } from './errors.ts';
import { decodeSign } from './schema.ts';

/** Hears a peer's signs until it ends the stream, then ends it too. Rejects with the stream's error. */
export async function serveAlive(stream: FrameStream, onSign: (everyMs: number) => void): Promise<void> {
  for await (const frame of stream) {
    const everyMs = decodeSign(frame);
    if (everyMs === undefined) return stream.abort(aliveErrors.invalid(stream.peer));
    onSign(everyMs);
  }
  await stream.close();
}
