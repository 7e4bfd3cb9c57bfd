import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isCoded } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { BATCH_DATAGRAMS, BATCH_MS, PROBE_DATAGRAMS } from './constants.ts';
import { lossErrors } from './errors.ts';
import { decodeCount, decodeOffer, encodeCount, encodeDatagram, encodeQuestion, type LossOffer } from './schema.ts';

export interface LossProbe {
  /** IP address at which the peer is connected: datagrams go there, and nowhere else. */
  readonly address: string;
  readonly signal: AbortSignal;
  readonly datagrams?: number;
}

/** Datagrams that went out, and those of them that came. */
export interface LossCount {
  readonly sent: number;
  readonly arrived: number;
}

/**
 * How many datagrams of a probe reach the peer, on a fresh stream of LOSS_PROTOCOL, which is ended after. Undefined where that cannot be told: the peer has no room for it
 * now, or none came, as behind routers and firewalls that let no UDP through. Throws MESH_RESPONSE_INVALID, or the signal's reason.
 */
export async function probeLoss(stream: FrameStream, { address, signal, datagrams = PROBE_DATAGRAMS }: LossProbe): Promise<LossCount | undefined> {
  const onAbort = (): void => stream.abort(isCoded(signal.reason) ? signal.reason : new Error('the measurement was called off', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const frames = stream[Symbol.asyncIterator]();
    await stream.send(encodeQuestion({ datagrams, address }));
    const offer = decodeOffer(await next(stream, frames));
    if (offer === undefined) throw lossErrors.invalid(stream.peer, 'that is no offer');
    if (offer === 'not now') return undefined;
    const sent = await sendAll(offer, { address, datagrams, signal });
    await stream.send(encodeCount(sent));
    const arrived = decodeCount(await next(stream, frames), sent);
    if (arrived === undefined) throw lossErrors.invalid(stream.peer, 'more came than were sent');
    return arrived === 0 ? undefined : { sent, arrived };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    void stream.close();
  }
}

async function next(stream: FrameStream, frames: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const { value, done } = await frames.next();
  if (done === true) throw lossErrors.invalid(stream.peer, 'it ended the stream amid a measurement');
  return value;
}

/** Evenly, so that no queue on the way overflows by it. How many the system took. */
async function sendAll({ port, token }: LossOffer, { address, datagrams, signal }: Required<LossProbe>): Promise<number> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  // A router that says "unreachable": the rest tells as much.
  socket.on('error', () => undefined);
  try {
    const connected = once(socket, 'connect').then(() => true, () => false);
    socket.connect(port, address);
    // No way there: none was sent.
    if (!await connected) return 0;
    let sent = 0;
    for (let number = 0; number < datagrams; number += BATCH_DATAGRAMS) {
      if (number > 0) await delay(BATCH_MS, undefined, { signal });
      const batch = Array.from({ length: Math.min(BATCH_DATAGRAMS, datagrams - number) }, (_, i) => send(socket, encodeDatagram(token, number + i)));
      sent += (await Promise.all(batch)).filter(Boolean).length;
    }
    return sent;
  } finally {
    socket.close();
  }
}

/** Whether it went out. */
const send = (socket: Socket, bytes: Uint8Array): Promise<boolean> => new Promise((resolve) => { socket.send(bytes, (error) => resolve(error === null)); });
