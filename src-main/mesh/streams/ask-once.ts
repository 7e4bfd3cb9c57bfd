import { isCoded } from '../../base/index.ts';
import type { FrameStream } from '../types.ts';

export interface Question {
  /** Undefined when opening the stream is the whole question. */
  readonly request?: Uint8Array;
  /** Its reason ends the stream, and is what this rejects with. */
  readonly signal: AbortSignal;
}

/** Sends one frame, ends our side and reads one frame; undefined when the peer ended without one. Rejects with the stream's error. */
export async function askOnce(stream: FrameStream, { request, signal }: Question): Promise<Uint8Array | undefined> {
  const onAbort = (): void => stream.abort(isCoded(signal.reason) ? signal.reason : new Error('the question was called off', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    if (request !== undefined) await stream.send(request);
    const { value, done } = await stream[Symbol.asyncIterator]().next();
    return done === true ? undefined : value;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    void stream.close();
  }
}
