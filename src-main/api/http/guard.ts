import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SOCKET } from '../../../src-preload/bridge/index.ts';
import { apiErrors } from '../errors.ts';

const LOOPBACK = ['127.0.0.1', '[::1]', '::1', 'localhost'];

/** Who may ask. Every check throws a CodedError with prefix API_. */
export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #keyHash: Buffer;

  constructor(listening: { readonly host: string; readonly port: number }, key: string) {
    const names = LOOPBACK.includes(listening.host) ? ['127.0.0.1', 'localhost', '[::1]'] : [listening.host];
    this.#hosts = new Set(names.map((name) => `${name}:${listening.port}`));
    this.#keyHash = hash(key);
  }

  /** A page of another site whose name was re-pointed at us (DNS rebinding) still sends that site's name. */
  checkHost(headers: IncomingHttpHeaders): void {
    const host = headers.host ?? '';
    if (!this.#hosts.has(host.toLowerCase())) throw apiErrors.wrongHost({ host: host.slice(0, 200) });
  }

  /** Browsers always send Origin with a WebSocket; a program without one must still have the key. */
  checkOrigin(headers: IncomingHttpHeaders): void {
    const { origin, host } = headers;
    if (origin !== undefined && origin !== `http://${host}`) throw apiErrors.wrongOrigin({ origin: origin.slice(0, 200) });
  }

  checkBearer(headers: IncomingHttpHeaders): void {
    const { authorization = '' } = headers;
    if (!authorization.startsWith('Bearer ') || !this.#isKey(authorization.slice(7))) throw apiErrors.unauthorized({});
  }

  /** `Sec-WebSocket-Protocol: omninode.1, key.<key>`: the one header that a page can set on a WebSocket. */
  checkProtocols(headers: IncomingHttpHeaders): void {
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
    const key = offered.find((text) => text.startsWith(SOCKET.keyPrefix))?.slice(SOCKET.keyPrefix.length) ?? '';
    if (!offered.includes(SOCKET.protocol) || !this.#isKey(key)) throw apiErrors.unauthorized({});
  }

  #isKey(offered: string): boolean {
    return timingSafeEqual(hash(offered), this.#keyHash);
  }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
