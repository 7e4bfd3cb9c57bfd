import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** An address at which nobody answers, as firewalls and hung programs leave them. */
export interface SilentHost {
  /** Ends in no peer. */
  readonly address: string;
  /** What ends the first connection to it, from the other side. */
  readonly letGo: Promise<void>;
  /** Connections that came. */
  count(): number;
  stop(): void;
}

const addressAt = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`;

/** Accepts connections and says nothing. */
export async function silentHost(): Promise<SilentHost> {
  const sockets: Socket[] = [];
  const gone = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).on('close', () => gone.resolve()).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: addressAt((server.address() as AddressInfo).port), letGo: gone.promise, count: () => sockets.length, stop: () => { server.close(); sockets.forEach((socket) => socket.destroy()); } };
}

// Listens with the shortest queue, and stops for good.
const LISTENER = "const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => { process.stdout.write(s.address().port + '\\n', () => process.kill(process.pid, 'SIGSTOP')); });";

/** Never accepts: a stopped process whose queue of connections is full, so that the kernel drops what else comes. Linux only. */
export async function deafHost(): Promise<Omit<SilentHost, 'letGo' | 'count'>> {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(String(said));
  const waiting = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(waiting.map((socket) => once(socket.on('error', () => undefined), 'connect')));
  return { address: addressAt(port), stop: () => { waiting.forEach((socket) => socket.destroy()); child.kill('SIGKILL'); } };
}
