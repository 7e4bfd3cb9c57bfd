import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { toCoded, type RateLimiter } from '../../base/index.ts';
import { SOCKET } from '../../../src-preload/bridge/index.ts';
import type { SocketBridge } from '../bridge/socket.ts';
import { apiErrors } from '../errors.ts';
import type { Guard } from './guard.ts';
import { statusOf } from './status.ts';

interface UpgradeInit {
  readonly guard: Promise<Guard>;
  readonly limiter: RateLimiter;
  readonly sockets: SocketBridge;
  readonly maxClients: number;
}

/** Checks a request for a WebSocket before one byte of it is read. */
export function onUpgrade(server: Server, init: UpgradeInit): void {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    void init.guard.then((guard) => {
      try {
        check(request, guard, init);
        init.sockets.accept(request, stream, head);
      } catch (error) {
        refuse(stream, statusOf(toCoded(error)));
      }
    });
  });
}

function check(request: IncomingMessage, guard: Guard, { limiter, sockets, maxClients }: UpgradeInit): void {
  guard.checkHost(request.headers);
  guard.checkOrigin(request.headers);
  if (!limiter.take(request.socket.remoteAddress ?? '')) throw apiErrors.rateLimited({});
  if (request.url !== SOCKET.path) throw apiErrors.notFound({ path: (request.url ?? '').slice(0, 200) });
  guard.checkProtocols(request.headers);
  if (sockets.clients >= maxClients) throw apiErrors.tooManyClients({ limit: maxClients });
}

const refuse = (stream: Duplex, status: number): void => {
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};
