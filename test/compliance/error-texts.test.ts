import { afterEach, describe, expect, it } from 'vitest';
import { apiErrors } from '../../src-main/api/errors.ts';
import type { CodedError } from '../../src-main/base/index.ts';
import { chainErrors, economyErrors } from '../../src-main/chain/errors.ts';
import { walletErrors } from '../../src-main/chain/wallet/errors.ts';
import { chatsErrors } from '../../src-main/chats/errors.ts';
import { documentErrors } from '../../src-main/documents/index.ts';
import { hostErrors } from '../../src-main/host/errors.ts';
import { payErrors } from '../../src-main/host/paid/errors.ts';
import { zoneErrors } from '../../src-main/mesh/zone/errors.ts';
import { pipelineErrors } from '../../src-main/pipeline/errors.ts';
import { hubErrors } from '../../src-main/store/hub/errors.ts';
import { bridgeErrors, type WireError } from '../../src-preload/bridge/index.ts';
import { errorWords } from '../../src-renderer/language/error-words.ts';
import { language, LANGUAGES } from '../../src-renderer/language/index.ts';

const file = { path: '/home/some-file', reason: 'it ends early' };
const inner = { code: 'WALLET_NONE', reason: 'there is no wallet', next: 'Create one.' };
const [peer, account, session] = ['12D3KooWpeer', '0xaccount', '0xsession'];
const sum = `${10n ** 18n}`;
/** Errors of each code that language files have, as the node makes them. */
const made: readonly CodedError[] = [
  apiErrors.internal({}), apiErrors.rateLimited({}), apiErrors.tooManyDownloads({ limit: 3 }), apiErrors.tooManyKeys({ limit: 100 }),
  chatsErrors.answering({}), chatsErrors.busy({ limit: 4 }), chatsErrors.tooLong({ tokens: 12_345, room: 678 }),
  documentErrors.badEncoding({ encoding: 'UTF-8' }), documentErrors.empty({}), documentErrors.notText({}), documentErrors.pdfDamaged({}), documentErrors.pdfEncrypted({}), documentErrors.pdfTooManyPages({ pages: 3_000, limit: 2_000 }),
  hostErrors.answering({}), hostErrors.blocksItself({ subject: '127.0.0.1' }), hostErrors.checkGone({ check: 'c' }), hostErrors.linkGone({}), hostErrors.lookupStopped({}), hostErrors.modelExists({ name: 'a.gguf' }),
  hostErrors.modelInUse({ model: 'tiny' }), hostErrors.noDocument({ id: 'x' }), hostErrors.noPipeline({}), hostErrors.noSuchAnswer({}), hostErrors.nobodyServes({ model: 'tiny' }), hostErrors.notRemovable({ model: 'tiny' }),
  hostErrors.settingFixed({ key: 'zone' }), hostErrors.switching({ model: 'tiny' }), hostErrors.uploadBusy({ limit: 4 }), hostErrors.uploadGone({}),
  hubErrors.cancelled({ name: 'a.gguf' }), hubErrors.noModelFiles({ repo: 'a/b' }), hubErrors.notFound({ url: 'https://example.org/a' }),
  pipelineErrors.cancelled({}), pipelineErrors.promptTooLong({ promptTokens: 5_000, contextTokens: 4_096 }),
  chainErrors.badAnswer({ method: 'eth_call', reason: 'no' }), chainErrors.damaged(file), chainErrors.down({ reason: 'HTTP 503' }), chainErrors.feeTooHigh({ needWei: '12', maxWei: '11' }), chainErrors.inUse(file), chainErrors.noAnvil({ reason: 'no' }),
  chainErrors.noFunds({ account, needWei: '12', haveWei: '11' }), chainErrors.noSigner({ account }), chainErrors.nonceTaken({ account, nonce: 4 }), chainErrors.notRunning({}), chainErrors.notSent({ reason: 'no' }), chainErrors.refused({ method: 'eth_call', rpcCode: 3, reason: 'no' }),
  chainErrors.reverted({ contract: 'SUMToken', args: {}, reason: 'no' }), chainErrors.tooNew({ path: file.path, version: 9 }), chainErrors.unusable(file), chainErrors.wrongNetwork({ reason: 'chain 1' }),
  economyErrors.badAccount({ account }), economyErrors.bindingNotApproved({ account }), economyErrors.faucetEmpty({ againAtMs: 1 }), economyErrors.noFaucet({}), economyErrors.notPossible({ op: 'stake', reason: 'there is less' }),
  hostErrors.wantPay({ model: 'tiny', machines: 1, ...inner }), hostErrors.wantPay({ model: 'tiny', machines: 2, ...inner }),
  payErrors.bookDamaged(file), payErrors.bookTooNew({ path: file.path, version: 9 }), payErrors.bookUnusable(file), payErrors.noChain({}), payErrors.notActive({ peer, nodeId: '0x1' }), payErrors.notBooked({ session }), payErrors.notConnected({}), payErrors.notOpened({ machines: 1, ...inner }), payErrors.notOpened({ machines: 2, ...inner }),
  payErrors.notPaying({}), payErrors.notReady({}), payErrors.otherChain({ peer, chainId: 1, settlement: account }), payErrors.over({ session }), payErrors.refused({ peer, code: 'PAY_BUSY', reason: 'no', again: true }), payErrors.scored({ session }),
  payErrors.sessionOver({ minutes: 60 }), payErrors.sessionSpent({ most: sum, spent: sum, isTooSmall: true }), payErrors.sessionSpent({ most: sum, spent: sum, isTooSmall: false }), payErrors.silent({ peer, timeoutMs: 1_000 }), payErrors.tooDear({ wanted: sum, most: '20000000000000000', nodes: 3 }), payErrors.tooManyNodes({ nodes: 70, most: 64 }),
  walletErrors.badKey({}), walletErrors.badKeystore({ reason: 'no' }), walletErrors.badPhrase({ reason: 'no' }), walletErrors.changed({}), walletErrors.exists(file), walletErrors.expired({ afterMs: 300_000 }), walletErrors.locked({}), walletErrors.noChain({}), walletErrors.noPhrase({}), walletErrors.none({}),
  walletErrors.notConsented({ reason: 'no' }), walletErrors.nothingWaits({}), walletErrors.passwordNeeded({ why: 'it is much' }), walletErrors.readableByOthers({ ...file, mode: '644' }), walletErrors.refused({}), walletErrors.sealed(file), walletErrors.tooManyAttempts({ retryAfterMs: 2_500 }),
  walletErrors.tooManyWaiting({ limit: 8 }), walletErrors.unreadable(file), walletErrors.weakPassword({ least: 12, most: 200 }), walletErrors.wrongPassword({}),
  zoneErrors.badSubject({ subject: 'who' }), zoneErrors.bansFull({ limit: 1_000 }), zoneErrors.bansUnreadable({ path: '/home/bans.json' }),
];
const wires: readonly WireError[] = [...made.map((error) => error.toWire()), bridgeErrors.answerLost().wire, bridgeErrors.disconnected().wire];

afterEach(() => language.setState({ code: 'en' }));

describe('errors in the words of a language', () => {
  it('have every code of the language files, each of an error that there is', () => {
    expect([...new Set(wires.map(({ code }) => code))].toSorted()).toEqual(Object.keys(LANGUAGES.en.errors).toSorted());
  });

  it.each(wires)('name only values that the error has, in every language, and in English say what the node says: $code', (wire) => {
    for (const own of Object.values(LANGUAGES)) expect(errorWords(wire, own.errors)).toMatchObject({ isTranslated: true, next: expect.any(String) });
    expect(errorWords(wire)).toEqual({ message: wire.message, next: wire.next, isTranslated: true });
    expect(errorWords(wire, LANGUAGES['en-XA'].errors).message).toMatch(/^⟦[^a-zA-Z]+⟧$/);
  });

  it.each(['1.5', '-1', '', 'much', '9'.repeat(100)])('are the node’s own for an amount that is none: %j', (most) => {
    const wire = { ...payErrors.sessionSpent({ most: sum, spent: sum, isTooSmall: false }).toWire() };
    expect(errorWords({ ...wire, meta: { ...wire.meta, most } })).toEqual({ message: wire.message, next: wire.next, isTranslated: false });
  });

  it('are those of the page', () => {
    language.setState({ code: 'en-XA' });
    const { message, isTranslated } = errorWords(chatsErrors.busy({ limit: 4 }).toWire());
    expect([message, isTranslated]).toEqual([expect.stringMatching(/^⟦4 [^a-zA-Z]+⟧$/), true]);
  });

  it.each([
    ['a code that is in no file', { code: 'CHATS_FULL' }], ['the name of something that all objects have', { code: 'toString' }], ['a value that lacks', { meta: {} }],
    ['no values at all', { code: 'CHATS_ANSWERING', meta: undefined }], ['a value that is none', { meta: { limit: { toString: 'x' } } }], ['a value that is not its own', { meta: Object.create({ limit: 4 }) as Record<string, unknown> }],
  ])('are the node’s own for %s', (_what, change) => {
    const { meta, ...rest } = { ...chatsErrors.busy({ limit: 4 }).toWire(), ...change };
    expect(errorWords({ ...rest, ...(meta === undefined ? {} : { meta }) })).toEqual({ message: '4 answers are already being written', next: 'Stop one of them or wait until it is done.', isTranslated: false });
  });
});
