import { expect, it } from 'vitest';
import { CHEAP } from '../../../test/support/wallet-ground.ts';
import { openKey, openText, sealKey, sealText } from './keystore.ts';
import { parseKeystore } from './keystore-schema.ts';
import { SCRYPT_COST } from './options.ts';

/** Of the Web3 Secret Storage definition: password `testpassword`. */
const SECRET = '7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const PBKDF2 = {
  crypto: {
    cipher: 'aes-128-ctr', cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' }, ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2', kdfparams: { c: 262_144, dklen: 32, prf: 'hmac-sha256', salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd' },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6', version: 3,
};
const SCRYPT = {
  crypto: {
    cipher: 'aes-128-ctr', cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' }, ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
    kdf: 'scrypt', kdfparams: { dklen: 32, n: 262_144, r: 1, p: 8, salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19' },
    mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6', version: 3,
};

it.each([['PBKDF2', PBKDF2], ['scrypt', SCRYPT]])('opens the specification\'s file of %s', async (_, file) => {
  const { key } = await openKey(parseKeystore(JSON.stringify(file)), 'testpassword');
  expect(key.toString('hex')).toBe(SECRET);
});

it('seals with no less than 2^17, r 8, p 1, and opens what it sealed', async () => {
  expect([SCRYPT_COST.n >= 2 ** 17, SCRYPT_COST.r, SCRYPT_COST.p]).toEqual([true, 8, 1]);
  const key = Buffer.from(SECRET, 'hex');
  const { keystore } = await sealKey(key, 'a password of mine', { cost: SCRYPT_COST, address: `0x${'AB'.repeat(20)}` });
  expect(keystore).toMatchObject({ version: 3, address: 'ab'.repeat(20), crypto: { kdf: 'scrypt', kdfparams: { n: SCRYPT_COST.n, r: 8, p: 1 } } });
  expect((await openKey(parseKeystore(JSON.stringify(keystore)), 'a password of mine')).key.equals(key)).toBe(true);
});

it('opens nothing that was changed, and nothing with another password', async () => {
  const { keystore, derived } = await sealKey(Buffer.from(SECRET, 'hex'), 'right', { cost: CHEAP, address: `0x${'00'.repeat(20)}` });
  const flipped = (hex: string): string => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;
  const { crypto } = keystore;
  const damaged = [{ ...crypto, ciphertext: flipped(crypto.ciphertext) }, { ...crypto, mac: flipped(crypto.mac) }, { ...crypto, kdfparams: { ...crypto.kdfparams, salt: flipped(crypto.kdfparams.salt) } }];
  for (const other of damaged) await expect(openKey({ ...keystore, crypto: other as typeof crypto }, 'right')).rejects.toMatchObject({ code: 'WALLET_WRONG_PASSWORD' });
  for (const password of ['', 'Right', 'right ']) await expect(openKey(keystore, password)).rejects.toMatchObject({ code: 'WALLET_WRONG_PASSWORD' });
  const sealed = sealText('some words', derived);
  expect(openText(sealed, derived)).toBe('some words');
  for (const part of ['nonce', 'ciphertext', 'tag'] as const) expect(() => openText({ ...sealed, [part]: flipped(sealed[part]) }, derived)).toThrow();
});

it('computes nothing for parameters of strangers that cost too much, or are none', () => {
  const withParams = (kdfparams: object): string => JSON.stringify({ ...SCRYPT, crypto: { ...SCRYPT.crypto, kdfparams: { ...SCRYPT.crypto.kdfparams, ...kdfparams } } });
  const bad = [
    '', '[]', 'null', '{', '"text"', JSON.stringify({ version: 3 }), JSON.stringify({ ...SCRYPT, version: 1 }), ' '.repeat(70_000),
    withParams({ n: 2 ** 40 }), withParams({ n: 262_145 }), withParams({ n: 1 }), withParams({ n: 0 }), withParams({ n: -2 }), withParams({ n: 1.5 }), withParams({ n: '262144' }),
    withParams({ n: 2 ** 20, r: 8 }), withParams({ r: 10 ** 6 }), withParams({ p: 10 ** 6 }), withParams({ r: 0 }), withParams({ dklen: 16 }), withParams({ dklen: 10 ** 9 }), withParams({ salt: '' }), withParams({ salt: 'xyz' }),
    JSON.stringify({ ...PBKDF2, crypto: { ...PBKDF2.crypto, kdfparams: { ...PBKDF2.crypto.kdfparams, c: 10 ** 9 } } }),
    JSON.stringify({ ...SCRYPT, crypto: { ...SCRYPT.crypto, cipher: 'aes-256-cbc' } }), JSON.stringify({ ...SCRYPT, crypto: { ...SCRYPT.crypto, ciphertext: '00'.repeat(64) } }),
  ];
  for (const text of bad) expect([text.slice(0, 60), codeOf(() => parseKeystore(text))]).toEqual([text.slice(0, 60), 'WALLET_BAD_KEYSTORE']);
});

function codeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
