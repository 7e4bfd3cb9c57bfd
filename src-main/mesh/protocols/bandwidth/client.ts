import { randomBytes } from 'node:crypto';
import { isCoded, type Clock } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { BUDGET_MS, FRAME_BYTES, MAX_BYTES_PER_SECOND, MEASURED_TRAINS, SETTLED_MS, TRAIN_FRAMES } from './constants.ts';
import { bandwidthErrors } from './errors.ts';

export interface BandwidthOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * What a link carries, bytes/s, in the slower of its two directions: frames that left back to back come back as far apart as
 * the slowest part of the way made them (packet trains: Dovrolis, Ramanathan, Moore, 2001). On a fresh stream of BANDWIDTH_PROTOCOL, which is
 * ended after. Throws MESH_RESPONSE_INVALID, or the signal's reason.
 */
export async function probeBandwidth(stream: FrameStream, { clock, signal }: BandwidthOptions): Promise<number> {
  const onAbort = (): void => stream.abort(isCoded(signal.reason) ? signal.reason : new Error('the measurement was called off', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await measure(stream, clock);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    void stream.close();
  }
}

/** The middle one of a few trains: a pause of this process makes one too slow, frames that it reads together make one too fast. */
async function measure(stream: FrameStream, clock: Clock): Promise<number> {
  const startedMs = clock.monotonicMs();
  const untilMs = startedMs + BUDGET_MS;
  const send = (): Promise<number> => sendTrain(stream, { clock, untilMs });
  const first = await send();
  if (clock.monotonicMs() >= untilMs) return first;
  const rates = [await send()];
  while (rates.length < MEASURED_TRAINS && clock.monotonicMs() - startedMs < SETTLED_MS) rates.push(await send());
  return rates.toSorted((a, b) => a - b)[rates.length >> 1] ?? first;
}

/** From the first frame's return to the last one's. */
async function sendTrain(stream: FrameStream, { clock, untilMs }: { readonly clock: Clock; readonly untilMs: number }): Promise<number> {
  // Random, so that nothing on the way makes it smaller.
  const frames = Array.from({ length: TRAIN_FRAMES }, () => randomBytes(FRAME_BYTES));
  const sending = Promise.all(frames.map((frame) => stream.send(frame)));
  // The reader below meets the same failure, and is the one that is listened to.
  sending.catch(() => undefined);
  const echoes = stream[Symbol.asyncIterator]();
  let [firstMs, lastMs, gaps] = [0, 0, -1];
  for (const frame of frames) {
    const { value, done } = await echoes.next();
    if (done === true) throw bandwidthErrors.invalid(stream.peer, 'it ended the stream amid a measurement');
    if (!frame.equals(value)) throw bandwidthErrors.invalid(stream.peer, 'it answered with other bytes');
    lastMs = clock.monotonicMs();
    if (++gaps === 0) firstMs = lastMs;
    else if (lastMs > untilMs) break;
  }
  return Math.min(MAX_BYTES_PER_SECOND, (1000 * gaps * FRAME_BYTES) / (lastMs - firstMs));
}
