export { walletErrors } from './errors.ts';
export { SCRYPT_COST, WALLET_LIMITS, type ScryptCost } from './options.ts';
export type { PhraseWords } from './phrase.ts';
export type * from './types.ts';
export type * from './ports.ts';
export { Wallet, type WalletInit } from './wallet.ts';
export { Consents, type ConsentRequest, type ConsentsInit, type Decision } from './consents.ts';
