import { defineErrors, spec } from '../../base/index.ts';

type None = Record<string, never>;
type File = { readonly path: string };

const AGAIN = 'Ask again, and decide in the document that opens.';

/** Nothing of a key, a phrase or a password stands in any of them, nor a part of one. */
export const walletErrors = defineErrors('WALLET', {
  none: spec<None>({ fault: 'user', message: () => 'there is no wallet in this home', next: 'Create or import one: in the page\'s Wallet, or with `omninode wallet create`.' }),
  exists: spec<File>({ fault: 'user', message: (m) => `there is a wallet already: ${m.path}`, next: 'Export it, move the file away, then try again.' }),
  locked: spec<None>({ fault: 'user', retryable: true, message: () => 'the wallet is locked', next: 'Unlock it with its password.' }),
  wrongPassword: spec<None>({ fault: 'user', message: () => 'this is not the password of the wallet', next: 'Try again. Without the password only the phrase helps.' }),
  tooManyAttempts: spec<{ retryAfterMs: number }>({ fault: 'user', retryable: true, message: (m) => `too many wrong passwords; the next try is possible in ${Math.ceil(m.retryAfterMs / 1000)} s`, next: 'Wait, then try again.' }),
  weakPassword: spec<{ least: number; most: number }>({ fault: 'user', message: (m) => `a password has ${m.least} to ${m.most} characters`, next: 'Choose a longer one: four random words, for example.' }),
  unreadable: spec<File & { reason: string }>({ fault: 'local', message: (m) => `${m.path} is no wallet that OmniNode can read: ${m.reason}`, next: 'Move the file away, and import the phrase or an exported file.' }),
  readableByOthers: spec<File & { mode: string }>({ fault: 'user', message: (m) => `other users of this machine may read ${m.path} (mode ${m.mode})`, next: (m) => `Run \`chmod 600 ${m.path}\`, then change the password.` }),
  sealed: spec<File>({ fault: 'user', message: (m) => `${m.path} was sealed by the desktop app for this user, and cannot be opened here`, next: 'Use the desktop app, or import the phrase in a home of its own.' }),
  badPhrase: spec<{ reason: string }>({ fault: 'user', message: (m) => `this is no phrase of BIP-39: ${m.reason}`, next: 'Check each word and their order.' }),
  badKey: spec<None>({ fault: 'user', message: () => 'this is no private key', next: 'Give 64 hex digits.' }),
  badKeystore: spec<{ reason: string }>({ fault: 'user', message: (m) => `this file is no keystore that can be imported: ${m.reason}`, next: 'Export it anew (version 3, scrypt or PBKDF2), or import the phrase.' }),
  noPhrase: spec<None>({ fault: 'user', message: () => 'this wallet was imported without a phrase', next: 'Export it as a file instead.' }),
  notConsented: spec<{ reason: string }>({ fault: 'local', message: (m) => `this was not consented to: ${m.reason}`, next: AGAIN }),
  refused: spec<None>({ fault: 'user', message: () => 'the owner refused', next: AGAIN }),
  expired: spec<{ afterMs: number }>({ fault: 'user', retryable: true, message: (m) => `nobody decided within ${Math.round(m.afterMs / 60_000)} minutes`, next: AGAIN }),
  changed: spec<None>({ fault: 'user', retryable: true, message: () => 'what was shown is not what waits now, or was decided already', next: 'Look at it again.' }),
  passwordNeeded: spec<{ why: string }>({ fault: 'user', message: (m) => `this needs the password: ${m.why}`, next: 'Give the password, or refuse.' }),
  tooManyWaiting: spec<{ limit: number }>({ fault: 'user', retryable: true, message: (m) => `${m.limit} decisions wait already`, next: 'Decide them first.' }),
  nothingWaits: spec<None>({ fault: 'user', message: () => 'no decision waits', next: 'Ask for something first.' }),
  noChain: spec<None>({ fault: 'local', retryable: true, message: () => 'no chain is there', next: 'Wait until the chain has started, or name one in config.json.' }),
  unsupported: spec<{ method: string }>({ fault: 'user', message: (m) => `this wallet does not offer ${m.method}`, next: 'Use one of the methods that it offers.' }),
  badParams: spec<{ method: string; reason: string }>({ fault: 'user', message: (m) => `${m.method}: ${m.reason}`, next: 'Correct the parameters.' }),
  notYours: spec<None>({ fault: 'user', message: () => 'that is not this wallet\'s account', next: 'Use the account that eth_accounts gives.' }),
  otherChain: spec<{ chainId: number; own: number }>({ fault: 'user', message: (m) => `chain ${m.chainId} is not this host's (${m.own})`, next: 'Use this host\'s chain.' }),
  knownId: spec<None>({ fault: 'user', message: () => 'a batch with this id was asked for before', next: 'Choose another id.' }),
  unknownId: spec<None>({ fault: 'user', message: () => 'there is no batch with this id', next: 'Give an id that wallet_sendCalls gave.' }),
  noAtomic: spec<None>({ fault: 'user', message: () => 'calls are sent one after the other, not all or none', next: 'Ask with atomicRequired: false.' }),
  noCapability: spec<{ capability: string }>({ fault: 'user', message: (m) => `this wallet does not have the capability ${m.capability}`, next: 'Leave it out, or make it optional.' }),
  tooMuch: spec<{ what: string; limit: number }>({ fault: 'user', message: (m) => `${m.what}: at most ${m.limit}`, next: 'Ask for less.' }),
});
