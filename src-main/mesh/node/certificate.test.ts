import { createPrivateKey, X509Certificate } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils';
import { afterEach, expect, it, vi } from 'vitest';
import { createCertificate } from './certificate.ts';

afterEach(() => void vi.useRealTimers());
const der = ({ cert }: { readonly cert: string }): Uint8Array => new X509Certificate(cert).raw;

it('proves the peer to libp2p, whatever its clock shows', async () => {
  const key = await generateKeyPair('Ed25519');
  const certificate = der(await createCertificate(key));
  for (const date of ['1970-01-01T00:00:01Z', '2001-09-09', '2049-12-31', '2050-01-01', '3000-01-01']) {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(date) });
    expect(String(await verifyPeerCertificate(certificate, peerIdFromPrivateKey(key)))).toBe(String(peerIdFromPrivateKey(key)));
  }
});

it("is needed: libp2p's own is not valid for who is two hours behind", async () => {
  const certificate = der(await generateCertificate(await generateKeyPair('Ed25519')));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * 3_600_000 });
  await expect(verifyPeerCertificate(certificate)).rejects.toThrow('not valid yet');
});

it('is another one each time, of keys that fit', async () => {
  const key = await generateKeyPair('Ed25519');
  const certificates = await Promise.all(Array.from({ length: 20 }, () => createCertificate(key)));
  expect(new Set(certificates.map(({ cert }) => new X509Certificate(cert).serialNumber)).size).toBe(20);
  for (const { cert, key: pem } of certificates) expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(pem))).toBe(true);
});
