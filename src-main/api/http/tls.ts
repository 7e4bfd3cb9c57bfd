import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { apiErrors } from '../errors.ts';

/** PEM files. */
export interface TlsFiles {
  /** The certificate, and after it those that lead to one that browsers trust. */
  readonly certPath: string;
  readonly keyPath: string;
}

export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
  /** The first name or address that the certificate is for: what a link says. Undefined where it has none. */
  readonly name: string | undefined;
  /** Whether the certificate is for that name or address. */
  isFor(name: string): boolean;
}

const MAX_FILE_BYTES = 262_144;
const READABLE_BY_ALL = 0o004;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/;

/** Both files, or none. Throws API_TLS_HALF. */
export function tlsFiles(certPath: string | undefined, keyPath: string | undefined): TlsFiles | undefined {
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  if (certPath !== undefined || keyPath !== undefined) throw apiErrors.tlsHalf({ missing: certPath === undefined ? 'httpTlsCert' : 'httpTlsKey' });
  return undefined;
}

/** Throws API_TLS_UNREADABLE, API_TLS_KEY_EXPOSED, API_TLS_MISMATCH, API_TLS_NOT_VALID. */
export async function readTls({ certPath, keyPath }: TlsFiles, nowMs: number): Promise<TlsIdentity> {
  const [cert, key] = [await readPem({ path: certPath, isSecret: false }), await readPem({ path: keyPath, isSecret: true })];
  const leaf = parsed(certPath, () => new X509Certificate(cert));
  const secret = parsed(keyPath, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret)) throw apiErrors.tlsMismatch({ certPath, keyPath });
  const isOver = leaf.validToDate.getTime() <= nowMs;
  if (isOver || leaf.validFromDate.getTime() > nowMs) throw apiErrors.tlsNotValid({ certPath, from: leaf.validFromDate.toISOString(), to: leaf.validToDate.toISOString() });
  return {
    cert, key, name: firstName(leaf.subjectAltName),
    // Only names of the extension count, as in browsers (RFC 9525, section 6.3).
    isFor: (name) => (ADDRESS.test(name) ? leaf.checkIP(name) !== undefined : NAME.test(name) && leaf.checkHost(name, { subject: 'never' }) !== undefined),
  };
}

interface PemFile {
  readonly path: string;
  readonly isSecret: boolean;
}

// The owner's group may read a key, as Debian's ssl-cert group does; Windows has no such bits.
async function readPem({ path, isSecret }: PemFile): Promise<string> {
  const unreadable = (error: NodeJS.ErrnoException): never => { throw apiErrors.tlsUnreadable({ path, reason: error.code ?? 'cannot be read' }, error); };
  const file = await open(path, 'r').catch(unreadable);
  try {
    const { mode, size } = await file.stat();
    if (isSecret && process.platform !== 'win32' && (mode & READABLE_BY_ALL) !== 0) throw apiErrors.tlsKeyExposed({ path, mode: (mode & 0o777).toString(8) });
    if (size > MAX_FILE_BYTES) throw apiErrors.tlsUnreadable({ path, reason: `has ${size} bytes, at most ${MAX_FILE_BYTES} are read` });
    return await file.readFile('utf8').catch(unreadable);
  } finally {
    await file.close();
  }
}

// What the parser says of a key may quote it.
function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw apiErrors.tlsUnreadable({ path, reason: 'is no PEM file of the right kind, or is locked by a password' });
  }
}

/** `DNS:box.lan, IP Address:192.168.1.7`, as Node prints it; a pattern is no name to go to. */
function firstName(names: string | undefined): string | undefined {
  const found = (names ?? '').split(', ').map((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1]?.toLowerCase());
  return found.find((name) => name !== undefined && !name.includes('*') && (NAME.test(name) || ADDRESS.test(name)));
}
