import type { MessageStream, StreamMessageEvent } from '@libp2p/interface';
import { MAX_RECORD_BYTES, recordBytes } from './client-hello.ts';
import { zoneErrors } from './errors.ts';
import { GUEST_KNOCK_BYTES } from './knock.ts';

type Within = { readonly signal?: AbortSignal | undefined };

/** Exactly so many bytes, which is all that the other side may send before it hears from us. Throws ZONE_HANDSHAKE_FAILED, ZONE_STRANGER. */
export const takeBytes = (connection: MessageStream, count: number, within: Within): Promise<Buffer> => taken(connection, new Collected(() => count, count), within);

/** As `takeBytes`, as many as those that came say. */
export const takeKnock = (connection: MessageStream, wanted: (soFar: Buffer) => number, within: Within): Promise<Buffer> => taken(connection, new Collected(wanted, GUEST_KNOCK_BYTES), within);

/** As `takeBytes`, one record of TLS. */
export const takeRecord = (connection: MessageStream, within: Within): Promise<Buffer> => taken(connection, new Collected(recordBytes, MAX_RECORD_BYTES), within);

async function taken(connection: MessageStream, collected: Collected, { signal }: Within): Promise<Buffer> {
  const onMessage = ({ data }: StreamMessageEvent): void => collected.push(data instanceof Uint8Array ? data : data.subarray());
  const onClose = (): void => collected.fail('the connection was closed');
  const onAbort = (): void => collected.fail('it took too long');
  connection.addEventListener('message', onMessage);
  connection.addEventListener('close', onClose);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (connection.status !== 'open') onClose();
  if (signal?.aborted === true) onAbort();
  return collected.done.finally(() => {
    connection.removeEventListener('message', onMessage);
    connection.removeEventListener('close', onClose);
    signal?.removeEventListener('abort', onAbort);
  });
}

/** Bytes as they come, until there are as many as `wanted` says of those that came. */
export class Collected {
  readonly #wanted: (soFar: Buffer) => number;
  readonly #most: number;
  readonly #settled = Promise.withResolvers<Buffer>();
  #bytes = Buffer.alloc(0);

  constructor(wanted: (soFar: Buffer) => number, most: number) {
    this.#wanted = wanted;
    this.#most = most;
    // Whoever waits hears of it; somebody may not be waiting yet.
    this.#settled.promise.catch(() => undefined);
  }

  get done(): Promise<Buffer> {
    return this.#settled.promise;
  }

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(0, this.#most + 1)]);
    const wanted = this.#wanted(this.#bytes);
    if (this.#bytes.length > wanted || wanted > this.#most) this.#settled.reject(zoneErrors.stranger({}));
    else if (this.#bytes.length === wanted) this.#settled.resolve(this.#bytes);
  }

  fail(reason: string): void {
    this.#settled.reject(zoneErrors.handshakeFailed({ reason }));
  }
}
