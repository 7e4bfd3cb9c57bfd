import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/index.ts';
import { callFrameSchema, SOCKET, type ServerFrame } from '../../../src-preload/bridge/index.ts';
import type { BridgeServer } from './server.ts';

const [UNSUPPORTED_DATA, POLICY_VIOLATION, TRY_LATER, GOING_AWAY] = [1003, 1008, 1013, 1001];

interface SocketBridgeInit {
  readonly server: BridgeServer;
  readonly logger: Logger;
  readonly maxUnreadBytes: number;
}

/** The bridge over WebSocket. Whoever gets here has passed http/guard.ts. */
export class SocketBridge {
  readonly #sockets = new WebSocketServer({
    noServer: true, maxPayload: SOCKET.maxFrameBytes, perMessageDeflate: false, clientTracking: true,
    handleProtocols: () => SOCKET.protocol,
  });
  readonly #init: SocketBridgeInit;

  constructor(init: SocketBridgeInit) {
    this.#init = init;
  }

  get clients(): number {
    return this.#sockets.clients.size;
  }

  accept(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#serve(socket));
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const socket of this.#sockets.clients) socket.close(GOING_AWAY);
    // A client that does not answer the close must not hold up the host.
    const impatient = setTimeout(() => this.#sockets.clients.forEach((socket) => socket.terminate()), 1_000);
    this.#sockets.close(() => resolve());
    await promise;
    clearTimeout(impatient);
  }

  #serve(socket: WebSocket): void {
    const send = (frame: ServerFrame): void => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > this.#init.maxUnreadBytes) socket.close(TRY_LATER, 'reads too slowly');
      else socket.send(JSON.stringify(frame));
    };
    const client = this.#init.server.connect((push) => send({ push }));
    socket.on('message', (data, isBinary) => {
      if (isBinary) return socket.close(UNSUPPORTED_DATA, 'text frames only');
      const frame = parseFrame(data);
      if (frame === undefined) return socket.close(POLICY_VIOLATION, 'not a call');
      void client.call(frame.call, frame.input).then((result) => send({ id: frame.id, result }));
    });
    socket.on('error', (error) => this.#init.logger.debug({ err: error }, 'bridge socket failed'));
    socket.on('close', () => client.close());
  }
}

function parseFrame(data: RawData) {
  try {
    return callFrameSchema.safeParse(JSON.parse(String(data))).data;
  } catch {
    return undefined;
  }
}
