import { HDKey, privateKeyToAddress } from 'viem/accounts';
import { bytesToHex } from 'viem';
import { expect, it } from 'vitest';
import { checkedPhrase, keyOfPhrase, newPhrase, seedOf } from './phrase.ts';

const times = (word: string, count: number, last: string): string => `${`${word} `.repeat(count)}${last}`;
const ABOUT = times('abandon', 11, 'about');
const JUNK = times('test', 11, 'junk');

it.each([
  [ABOUT, 'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04'],
  ['legal winner thank year wave sausage worth useful legal winner thank yellow', '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607'],
  [times('zoo', 11, 'wrong'), 'ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069'],
  [times('abandon', 23, 'art'), 'bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8'],
  [times('zoo', 23, 'vote'), 'dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad'],
])('takes BIP-39\'s vector "%s"', (phrase, seed) => {
  expect(checkedPhrase(`  ${phrase.toUpperCase().replace(' ', '\n\t ')} `)).toBe(phrase);
  expect(seedOf(phrase, 'TREZOR').toString('hex')).toBe(seed);
});

it('derives as BIP-32 says (its first vector)', () => {
  const root = HDKey.fromMasterSeed(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'));
  expect(root.derive("m/0'/1").privateExtendedKey).toBe('xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs');
});

it('gives the account that other wallets give', () => {
  expect(privateKeyToAddress(bytesToHex(keyOfPhrase(JUNK)))).toBe('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266');
  expect(privateKeyToAddress(bytesToHex(keyOfPhrase(ABOUT)))).toBe('0x9858EfFD232B4033E47d90003D41EC34EcaEda94');
});

it('makes phrases of both lengths that it takes itself, none twice', () => {
  const phrases = [newPhrase(12), newPhrase(24), newPhrase(24)];
  expect(phrases.map((phrase) => checkedPhrase(phrase).split(' ').length)).toEqual([12, 24, 24]);
  expect(new Set(phrases).size).toBe(3);
});

it('refuses what is none, without a word of it', () => {
  for (const text of ['', 'abandon', times('abandon', 12, 'about'), times('abandon', 11, 'abandon'), times('zoo', 11, 'zoo'), times('abandon', 11, 'aboutt'), `${JUNK} ${JUNK} ${JUNK}`, 'x'.repeat(100_000), times('toString', 11, '__proto__')]) {
    let error: unknown;
    try {
      checkedPhrase(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'WALLET_BAD_PHRASE' });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/abandon|zoo|aboutt|junk|toString/);
  }
});
