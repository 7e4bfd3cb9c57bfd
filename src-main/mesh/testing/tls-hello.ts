import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { recordBytes } from '../zone/client-hello.ts';

/** What Node's own TLS says first, as somebody on the way overhears it. */
export async function tlsHello(servername: string | undefined, protocol = '/omni/block/1.0.0'): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ALPNProtocols: [protocol], ...(servername === undefined ? {} : { servername }) }).on('error', () => undefined);
  const [socket] = await once(server, 'connection') as [Socket];
  let bytes = Buffer.alloc(0);
  socket.on('data', (data) => { bytes = Buffer.concat([bytes, data]); });
  while (bytes.length < recordBytes(bytes)) await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}
