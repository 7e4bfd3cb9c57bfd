import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SOCKET } from '../../../src-preload/bridge/index.ts';
import { apiErrors } from '../errors.ts';
import type { Place } from './place.ts';

const DEFAULT_PORT = { http: 80, https: 443 } as const;

/** Who may ask. Every check throws a CodedError with prefix API_. */
export class Guard {
  readonly #place: Place;
  readonly #keyHash: Buffer;

  constructor(place: Place, key: string) {
    this.#place = place;
    this.#keyHash = hash(key);
  }

  /** A page of another site whose name was re-pointed at us (DNS rebinding) still sends that site's name. */
  checkHost(headers: IncomingHttpHeaders): void {
    const host = headers.host ?? '';
    const [, inBrackets, bare, port] = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9.-]{1,253}))(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? [];
    const name = inBrackets ?? bare;
    const { scheme, port: own } = this.#place;
    const isOurs = name !== undefined && Number(port ?? DEFAULT_PORT[scheme]) === own && this.#place.isNamed(name);
    if (!isOurs) throw apiErrors.wrongHost({ host: host.slice(0, 200) });
  }

  /** Browsers always send Origin with a WebSocket; a program without one must still have the key. */
  checkOrigin(headers: IncomingHttpHeaders): void {
    const { origin, host } = headers;
    if (origin !== undefined && origin !== `${this.#place.scheme}://${host}`) throw apiErrors.wrongOrigin({ origin: origin.slice(0, 200) });
  }

  checkBearer({ authorization = '' }: IncomingHttpHeaders): void {
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
