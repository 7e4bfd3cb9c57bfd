import { createHash, pbkdf2Sync } from 'node:crypto';
import { english, generateMnemonic, HDKey } from 'viem/accounts';
import { walletErrors } from './errors.ts';

export type PhraseWords = 12 | 24;

/** BIP-44: the first account of Ethereum, as other wallets derive it. */
const PATH = "m/44'/60'/0'/0/0";
const BITS_PER_WORD = 11;
const INDEX: ReadonlyMap<string, number> = new Map(english.map((word, index) => [word, index]));

export const newPhrase = (words: PhraseWords): string => generateMnemonic(english, words === 12 ? 128 : 256);

/** The phrase as BIP-39 writes it. Throws WALLET_BAD_PHRASE, which names places and never words. */
export function checkedPhrase(text: string): string {
  const words = text.slice(0, 1_000).normalize('NFKD').toLowerCase().split(/\s+/).filter((word) => word !== '');
  if (words.length !== 12 && words.length !== 24) throw walletErrors.badPhrase({ reason: `it has ${words.length} words, not 12 or 24` });
  const indexes = words.map((word, at) => {
    const index = INDEX.get(word);
    if (index === undefined) throw walletErrors.badPhrase({ reason: `word ${at + 1} is not in the English list` });
    return index;
  });
  if (!hasChecksum(indexes)) throw walletErrors.badPhrase({ reason: 'its checksum does not fit' });
  return words.join(' ');
}

/** BIP-39: behind the entropy, the first of every 33 bits of SHA-256 over it. */
function hasChecksum(indexes: readonly number[]): boolean {
  const bits = indexes.map((index) => index.toString(2).padStart(BITS_PER_WORD, '0')).join('');
  const entropyBits = (bits.length * 32) / 33;
  const entropy = Buffer.from(Array.from({ length: entropyBits / 8 }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2)));
  const hash = createHash('sha256').update(entropy).digest();
  entropy.fill(0);
  return (hash[0] ?? 0).toString(2).padStart(8, '0').slice(0, bits.length - entropyBits) === bits.slice(entropyBits);
}

/** BIP-39's seed, 64 bytes. */
export const seedOf = (phrase: string, passphrase = ''): Buffer => pbkdf2Sync(phrase.normalize('NFKD'), `mnemonic${passphrase}`.normalize('NFKD'), 2048, 64, 'sha512');

/** The private key of the phrase's first account, 32 bytes. */
export function keyOfPhrase(phrase: string): Uint8Array {
  const seed = seedOf(phrase);
  const root = HDKey.fromMasterSeed(seed);
  const account = root.derive(PATH);
  const key = Uint8Array.from(account.privateKey ?? []);
  seed.fill(0);
  root.wipePrivateData();
  account.wipePrivateData();
  return key;
}
