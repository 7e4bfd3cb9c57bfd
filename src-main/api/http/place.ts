import { networkInterfaces } from 'node:os';
import { apiErrors } from '../errors.ts';
import type { HttpOptions } from '../options.ts';
import type { TlsIdentity } from './tls.ts';

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);
const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

export const isLoopback = (host: string): boolean => LOOPBACK.includes(host) || /^127(\.\d{1,3}){3}$/.test(host);

/** Where a server is reached, and what it may be called in requests. */
export interface Place {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** For links. */
  readonly name: string;
  isNamed(name: string): boolean;
}

/** Over a network the page's key and every word would be for all to read. Throws API_NEEDS_TLS. */
export function checkPrivacy({ host, tls, withoutTls }: Pick<HttpOptions, 'host' | 'tls' | 'withoutTls'>): void {
  if (tls === undefined && withoutTls !== true && !isLoopback(host)) throw apiErrors.needsTls({ host });
}

/** `host`: as listened on. */
export function placeOf({ host, port }: { readonly host: string; readonly port: number }, tls: TlsIdentity | undefined): Place {
  const isEverywhere = EVERYWHERE.has(host);
  const own = isEverywhere ? ownAddresses() : isLoopback(host) ? [...LOOPBACK, host] : [host];
  const names = new Set(own.map((name) => name.toLowerCase()));
  return {
    scheme: tls === undefined ? 'http' : 'https', port, name: isEverywhere ? tls?.name ?? own[0] ?? 'localhost' : host,
    // A name in the certificate is one that the owner chose, so that no stranger can point it here.
    isNamed: (name) => names.has(name) || (tls?.isFor(name) ?? false),
  };
}

/** Those of a network first: they are what others use. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...all.filter(({ internal }) => !internal), ...all.filter(({ internal }) => internal)].map(({ address }) => address).concat('localhost');
}

/** `http://[::1]:4180`. */
export const originOf = ({ scheme, name, port }: Pick<Place, 'scheme' | 'name' | 'port'>): string =>
  new URL(`${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}`).origin;
