import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { BENCH_PROTOCOL, benchMesh, LIMITS, LISTEN, noiseNode, SocketStream, wrapRaw, type BenchStream, type LinkName } from './links.ts';
import { ACK, OP } from './ops.ts';

// The other end of every link, in a process of its own: says its addresses as a JSON line, ends with its stdin.

async function serve(stream: BenchStream): Promise<void> {
  for await (const frame of stream) {
    await stream.send(frame[0] === OP.echo ? frame : ACK);
    stream.recycle?.(frame);
  }
}
const attend = (stream: BenchStream): void => void serve(stream).catch(() => undefined);

const addresses: Partial<Record<LinkName, string>> = {};
const server = createServer((socket) => attend(new SocketStream(socket))).listen(0, '127.0.0.1');
await once(server, 'listening');
addresses.tcp = String((server.address() as AddressInfo).port);

for (const [name, listen] of Object.entries(LISTEN) as [keyof typeof LISTEN, string][]) {
  const mesh = await benchMesh({ listen: [listen], nativeTls: name === 'tcpTlsNative' });
  await mesh.handle(BENCH_PROTOCOL, LIMITS, attend);
  addresses[name] = mesh.addresses()[0] ?? '';
}
addresses.tcpDirect = addresses.tcpTlsNative ?? '';

const noisy = await noiseNode(['/ip4/127.0.0.1/tcp/0']);
await noisy.handle(BENCH_PROTOCOL, (stream, connection) => attend(wrapRaw(stream, connection.remotePeer.toString())));
addresses.tcpNoise = noisy.getMultiaddrs()[0]?.toString() ?? '';

const relay = await benchMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], relayServer: { isMember: () => true } });
const behind = await benchMesh({ listen: [`${relay.addresses()[0] ?? ''}/p2p-circuit`] });
await behind.handle(BENCH_PROTOCOL, LIMITS, attend);
addresses.relay = behind.addresses()[0] ?? '';

process.stdout.write(`${JSON.stringify(addresses)}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
