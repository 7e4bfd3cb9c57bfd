import { webcrypto } from 'node:crypto';
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { encodeSignatureData } from '@libp2p/tls/utils';
import { Extension, X509CertificateGenerator } from '@peculiar/x509';

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** libp2p's extension with the peer's key and its signature (specs/tls/tls.md). */
const PEER_KEY_EXTENSION = '1.3.6.1.4.1.53594.1.1';
const KEYS = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/**
 * The handshake proves who the peer is, and keys live as long as the process: a date adds nothing. Peers do look at it, by their own clocks, and one
 * that begins an hour ago, as libp2p makes it, shuts out everybody whose clock is more than that behind. So it holds at any time a clock may show.
 */
const VALID = { notBefore: new Date('1970-01-01T00:00:00Z'), notAfter: new Date('4096-01-01T00:00:00Z') };
const MAX_SERIAL = 2 ** 47;

/** Signed by itself, with a key of its own that the peer's key vouches for. */
export async function createCertificate(privateKey: Ed25519PrivateKey): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']);
  const signature = await privateKey.sign(encodeSignatureData(await webcrypto.subtle.exportKey('spki', keys.publicKey)));
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: (1 + Math.floor(Math.random() * MAX_SERIAL)).toString(16).padStart(14, '01'), ...VALID, keys, signingAlgorithm: KEYS,
    extensions: [new Extension(PEER_KEY_EXTENSION, true, sequenceOf(publicKeyToProtobuf(privateKey.publicKey), signature))],
  }, webcrypto as Parameters<typeof X509CertificateGenerator.createSelfSigned>[1]);
  return { cert: certificate.toString('pem'), key: pem(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)) };
}

/** DER of a sequence of two octet strings, of fewer than 128 bytes in all. */
function sequenceOf(...strings: readonly Uint8Array[]): ArrayBuffer {
  const body = strings.flatMap((bytes) => [0x04, bytes.byteLength, ...bytes]);
  return Uint8Array.of(0x30, body.length, ...body).buffer;
}

const pem = (der: ArrayBuffer): string => `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
