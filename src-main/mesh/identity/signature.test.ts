import { generateKeyPair } from '@libp2p/crypto/keys';
import { expect, test } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { createSigner, verifySignature } from './signature.ts';

const bytes = Buffer.from('what is signed');

test('a signature is good for its peer and its bytes alone', async () => {
  const [signer, other] = [createSigner(await generateKeyPair('Ed25519')), createSigner(await generateKeyPair('Ed25519'))];
  const signature = await signer.sign(bytes);
  expect(signature).toHaveLength(64);
  expect(await verifySignature(signer.peerId, bytes, signature)).toBe(true);
  expect(await verifySignature(other.peerId, bytes, signature)).toBe(false);
  expect(await verifySignature(signer.peerId, Buffer.from('something else'), signature)).toBe(false);
  expect(await verifySignature(signer.peerId, bytes, signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)))).toBe(false);
});

test('what is no peer id or no signature is refused, not thrown', async () => {
  const signer = createSigner(await generateKeyPair('Ed25519'));
  const rsa = await generateKeyPair('secp256k1');
  for (const peer of ['', 'nonsense', '12D3Koo', rsa.publicKey.toString(), ` ${signer.peerId}`]) expect(await verifySignature(asPeerId(peer), bytes, await signer.sign(bytes))).toBe(false);
  for (const size of [0, 63, 65]) expect(await verifySignature(signer.peerId, bytes, new Uint8Array(size))).toBe(false);
});
