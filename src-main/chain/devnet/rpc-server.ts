import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { isCoded, toCoded } from '../../base/index.ts';
import { RpcError } from '../client/json-rpc.ts';
import type { Request } from '../client/reads.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_SOCKETS = 64;
const callSchema = z.object({ id: z.union([z.number(), z.string().max(100), z.null()]).default(null), method: z.string().max(100), params: z.array(z.unknown()).max(16).optional() });
const EXTENSION = /^(?:chrome|moz)-extension:\/\/[\w-]{1,64}$/;
/** JSON-RPC 2.0, section 5.1, and EIP-1474. */
const CODES = { invalid: -32_600, unsupported: -32_601, internal: -32_603 } as const;

/**
 * JSON-RPC over HTTP on the loopback for other programs of this machine: what `request` allows and nothing else. Pages cannot use it: a request that a browser says is
 * another site's is refused, and so is any other host name than the loopback's, which is what a page reaches by DNS. A browser's extensions can, which is where its wallets are:
 * no page can claim their origin.
 */
export class RpcServer {
  readonly #server: Server;
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
    this.#server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
    this.#server.maxConnections = MAX_SOCKETS;
    this.#server.requestTimeout = 30_000;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method, headers } = incoming;
    const isOurs = method === 'POST' && (headers.origin === undefined || EXTENSION.test(headers.origin)) && headers.host === new URL(this.url).host;
    const body = isOurs ? await read(incoming).catch(() => undefined) : undefined;
    if (body === undefined) return void outgoing.writeHead(isOurs ? 413 : 403).end();
    const answer = JSON.stringify(await this.#answer(body));
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  }

  async #answer(body: string): Promise<object> {
    const call = callSchema.safeParse(parsed(body));
    if (!call.success) return { jsonrpc: '2.0', id: null, error: { code: CODES.invalid, message: 'this is no single JSON-RPC request' } };
    const { id, method, params = [] } = call.data;
    try {
      return { jsonrpc: '2.0', id, result: await this.#request({ method, params }) };
    } catch (error) {
      return { jsonrpc: '2.0', id, error: errorOf(error) };
    }
  }
}

function errorOf(error: unknown): object {
  if (error instanceof RpcError) return { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
  return { code: isCoded(error, 'CHAIN_METHOD_UNSUPPORTED') ? CODES.unsupported : CODES.internal, message: toCoded(error).message };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function read(incoming: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    sizeBytes += part.byteLength;
    if (sizeBytes > MAX_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
