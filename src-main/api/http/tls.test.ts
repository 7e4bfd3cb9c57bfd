import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { silentLogger } from '../../base/index.ts';
import { SOCKET } from '../../../src-preload/bridge/index.ts';
import { NO_METRICS, ScriptedHost } from '../../../test/support/scripted-host.ts';
import { checkPrivacy, placeOf } from './place.ts';
import { startHttpServer, type HttpServer } from './server.ts';
import { readTls, tlsFiles } from './tls.ts';

const KEY = 'a-key-that-only-this-test-knows';
const DAY_MS = 86_400_000;
const NOW = Date.now();
const folder = mkdtempSync(join(tmpdir(), 'omninode-tls-'));
let serial = 0;

/** A certificate that signs itself, for `box.lan`, `*.home.lan` and 192.168.1.7, and its key. */
async function certificate(name: string, { from = NOW - DAY_MS, to = NOW + DAY_MS } = {}): Promise<{ readonly cert: string; readonly certPath: string; readonly keyPath: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = new SubjectAlternativeNameExtension([{ type: 'dns', value: '*.home.lan' }, { type: 'dns', value: 'box.lan' }, { type: 'ip', value: '192.168.1.7' }, { type: 'ip', value: '127.0.0.1' }]);
  const made = await X509CertificateGenerator.createSelfSigned({ serialNumber: `0${(serial += 1)}`, name: 'CN=other.lan', notBefore: new Date(from), notAfter: new Date(to), keys, signingAlgorithm: algorithm, extensions: [names] });
  const [certPath, keyPath] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64').replaceAll(/.{64}/g, '$&\n');
  const cert = made.toString('pem');
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
  return { cert, certPath, keyPath };
}

let files: Awaited<ReturnType<typeof certificate>>;
let server: HttpServer;
beforeAll(async () => {
  files = await certificate('own');
  writeFileSync(join(folder, 'index.html'), '<!doctype html><p>page');
  const options = { key: KEY, tls: files, requestsPerSecond: 100_000, requestBurst: 100_000 };
  server = await startHttpServer({ host: new ScriptedHost(), metrics: NO_METRICS, logger: silentLogger, renderer: folder, options });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function ask(path: string, headers: Record<string, string> = {}, options: RequestOptions = {}): Promise<{ readonly status: number | undefined; readonly policy: string; readonly all: object }> {
  const call = get({ host: '127.0.0.1', port: server.port, path, ca: files.cert, headers: { host: `127.0.0.1:${server.port}`, ...headers }, ...options });
  const [reply] = await once(call, 'response');
  reply.resume();
  return { status: reply.statusCode, policy: String(reply.headers['content-security-policy']), all: reply.headers };
}

describe('over TLS', () => {
  it('the page is served to who trusts the certificate, and connects back encrypted', async () => {
    expect(server.address).toBe(`https://127.0.0.1:${server.port}/`);
    const { status, policy, all } = await ask('/');
    expect(status).toBe(200);
    expect(policy).toContain(`connect-src 'self' wss://127.0.0.1:${server.port};`);
    expect(policy).not.toContain('ws://');
    // The certificate is one that browsers may not trust later: a name must not be bound to TLS for ever.
    expect(all).not.toHaveProperty('strict-transport-security');
    await expect(ask('/', {}, { ca: [] })).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow();
  });

  it('it goes by the names in its certificate, and by no other', async () => {
    // This client would refuse names that the certificate lacks; others need not.
    const statusOf = async (name: string, host = `${name}:${server.port}`): Promise<number | undefined> => (await ask('/health', { host }, { checkServerIdentity: () => undefined })).status;
    for (const name of ['box.lan', 'BOX.LAN', 'any.home.lan', '192.168.1.7', 'localhost', '[::1]']) expect([name, await statusOf(name)]).toEqual([name, 200]);
    for (const name of ['other.lan', 'evil.example', 'a.b.home.lan', 'home.lan', '*.home.lan', '192.168.1.8', 'box.lan.evil.example', '', 'box.lan\u0000']) {
      // Node's client does not send some of these at all.
      expect([name, await statusOf(name).catch(() => 'not sent')]).toEqual([name, name.includes('\u0000') ? 'not sent' : 421]);
    }
    expect(await statusOf('', 'box.lan')).toBe(421);
  });

  it('its origin is https', async () => {
    const origin = (scheme: string): Promise<{ readonly status: number | undefined }> => ask('/health', { origin: `${scheme}://127.0.0.1:${server.port}` });
    expect([(await origin('https')).status, (await origin('http')).status]).toEqual([200, 403]);
  });

  it('the bridge answers over wss', async () => {
    const open = (options: ClientOptions): WebSocket => new WebSocket(`wss://127.0.0.1:${server.port}${SOCKET.path}`, [SOCKET.protocol, `${SOCKET.keyPrefix}${KEY}`], { ca: files.cert, ...options });
    const socket = open({});
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: 1, call: 'host.info', input: {} }));
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({ id: 1, result: { ok: true } });
    socket.close();
    const foreign = open({ origin: `http://127.0.0.1:${server.port}` });
    foreign.on('error', () => undefined);
    expect((await once(foreign, 'unexpected-response'))[1].statusCode).toBe(403);
    foreign.terminate();
  });

  it('a client of an older TLS is refused', async () => {
    await expect(ask('/', {}, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
  });
});

describe('a certificate', () => {
  it('must be whole, good now, and go with its key, which is nobody else’s', async () => {
    const code = async (certPath: string, keyPath: string): Promise<string> => readTls({ certPath, keyPath }, NOW).then(() => 'good', (error: { code: string }) => error.code);
    const [other, old, early] = [await certificate('other'), await certificate('old', { to: NOW - 1000 }), await certificate('early', { from: NOW + DAY_MS / 2 })];
    expect(await code(files.certPath, files.keyPath)).toBe('good');
    expect(await code(files.certPath, other.keyPath)).toBe('API_TLS_MISMATCH');
    expect([await code(old.certPath, old.keyPath), await code(early.certPath, early.keyPath)]).toEqual(['API_TLS_NOT_VALID', 'API_TLS_NOT_VALID']);
    const garbage = join(folder, 'garbage');
    for (const text of ['', 'no PEM', files.cert, 'x'.repeat(300_000)]) {
      writeFileSync(garbage, text, { mode: 0o600 });
      expect(await code(files.certPath, garbage)).toBe('API_TLS_UNREADABLE');
    }
    expect(await code(join(folder, 'none'), files.keyPath)).toBe('API_TLS_UNREADABLE');
    const secret = await readTls({ certPath: files.keyPath, keyPath: files.keyPath }, NOW).catch((error: Error) => `${error.message} ${String(error.cause)}`);
    expect(secret).not.toContain('BEGIN');
  });

  it.skipIf(process.platform === 'win32')('whose key everybody may read is refused', async () => {
    const { certPath, keyPath } = await certificate('exposed');
    chmodSync(keyPath, 0o644);
    await expect(readTls({ certPath, keyPath }, NOW)).rejects.toMatchObject({ code: 'API_TLS_KEY_EXPOSED' });
    chmodSync(keyPath, 0o640);
    await expect(readTls({ certPath, keyPath }, NOW)).resolves.toMatchObject({ name: 'box.lan' });
  });

  it('is named with its key, or not at all', () => {
    expect([tlsFiles(undefined, undefined), tlsFiles('a', 'b')]).toEqual([undefined, { certPath: 'a', keyPath: 'b' }]);
    for (const [cert, key] of [['a', undefined], [undefined, 'b']]) expect(() => tlsFiles(cert, key)).toThrow(expect.objectContaining({ code: 'API_TLS_HALF' }));
  });

  it('as openssl makes them works too', async (context) => {
    const [certPath, keyPath] = [join(folder, 'openssl.pem'), join(folder, 'openssl.key')];
    try {
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=x', '-addext', 'subjectAltName=IP:10.0.0.9,DNS:rsa.lan', '-out', certPath, '-keyout', keyPath], { stdio: 'ignore' });
    } catch {
      context.skip();
    }
    const tls = await readTls({ certPath, keyPath }, Date.now());
    expect([tls.name, tls.isFor('rsa.lan'), tls.isFor('10.0.0.9'), tls.isFor('10.0.0.8'), tls.isFor('x')]).toEqual(['10.0.0.9', true, true, false, false]);
  });
});

describe('a network', () => {
  it('is served without TLS only by an owner who says so', async () => {
    for (const host of ['127.0.0.1', '127.0.0.5', 'localhost', '::1']) expect(() => checkPrivacy({ host })).not.toThrow();
    for (const host of ['0.0.0.0', '::', '192.168.1.7', 'box.lan', '1270.0.0.1', '127.0.0.1.evil.example']) {
      expect(() => checkPrivacy({ host })).toThrow(expect.objectContaining({ code: 'API_NEEDS_TLS' }));
      expect(() => checkPrivacy({ host, withoutTls: true })).not.toThrow();
      expect(() => checkPrivacy({ host, tls: files })).not.toThrow();
    }
    const init = { host: new ScriptedHost(), metrics: NO_METRICS, logger: silentLogger, renderer: folder };
    await expect(startHttpServer({ ...init, options: { key: KEY, host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'API_NEEDS_TLS' });
  });

  it('reaches a server on every address by any of them, and the link says a name of the certificate', async () => {
    const tls = await readTls(files, NOW);
    const place = placeOf({ host: '0.0.0.0', port: 4180 }, tls);
    expect([place.name, place.isNamed('127.0.0.1'), place.isNamed('box.lan'), place.isNamed('evil.example')]).toEqual(['box.lan', true, true, false]);
    expect(placeOf({ host: '192.168.1.7', port: 1 }, undefined).isNamed('127.0.0.1')).toBe(false);
  });
});
