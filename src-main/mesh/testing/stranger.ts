import { connect } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';

export interface Heard {
  /** All that the node said before the connection ended. */
  readonly bytes: Buffer;
}

/** Connects a bare socket to a node's address, says `bytes`, and listens until the node closes. `ends`: closes our side after. */
export async function strangerAt(address: string, bytes: Uint8Array, { ends = false, localAddress }: { readonly ends?: boolean; readonly localAddress?: string } = {}): Promise<Heard> {
  const parts = new Map(multiaddr(address).getComponents().map(({ name, value }) => [name, value]));
  const socket = connect({ host: parts.get('ip4'), port: Number(parts.get('tcp')), ...(localAddress === undefined ? {} : { localAddress }) });
  const heard: Buffer[] = [];
  socket.on('data', (data) => heard.push(data));
  // A reset is one way of being told nothing.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (bytes.byteLength > 0) socket.write(bytes);
  if (ends) socket.end();
  await closed;
  return { bytes: Buffer.concat(heard) };
}
