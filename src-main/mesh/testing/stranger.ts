import { connect } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';

export interface Heard {
  /** All that the node said before the connection ended. */
  readonly bytes: Buffer;
}

/** Connects a bare socket to a node's address, says `bytes`, and listens until the node closes. `ends`: closes our side after; `enough`: when so many bytes came. */
export async function strangerAt(address: string, bytes: Uint8Array, { ends = false, enough, localAddress }: { readonly ends?: boolean; readonly enough?: number; readonly localAddress?: string } = {}): Promise<Heard> {
  const parts = new Map(multiaddr(address).getComponents().map(({ name, value }) => [name, value]));
  const socket = connect({ host: parts.get('ip4'), port: Number(parts.get('tcp')), ...(localAddress === undefined ? {} : { localAddress }) });
  const heard: Buffer[] = [];
  let count = 0;
  socket.on('data', (data) => {
    heard.push(data);
    count += data.length;
    if (enough !== undefined && count >= enough) socket.end();
  });
  // A reset is one way of being told nothing.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (bytes.byteLength > 0) socket.write(bytes);
  if (ends) socket.end();
  await closed;
  return { bytes: Buffer.concat(heard) };
}
