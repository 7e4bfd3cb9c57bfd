import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTransaction, recoverTransactionAddress, recoverTypedDataAddress } from 'viem';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CHEAP, NETWORK, PASSWORD } from '../../../test/support/wallet-ground.ts';
import { ManualClock, type SecretBox } from '../../base/index.ts';
import type { Batch, Hex, UnsignedTransaction } from '../types.ts';
import type { BatchSubject } from './types.ts';
import { Wallet, type WalletInit } from './wallet.ts';
import { chainWitness } from './witness.ts';

const KEY = `0x${'42'.repeat(32)}`;
const PHRASE = 'test test test test test test test test test test test junk';
const UNIT = 10n ** 18n;
const TO: Hex = NETWORK.contracts.StakingContract;
let home: string;
let clock: ManualClock;
const opened: Wallet[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'omninode-wallet-'));
  clock = new ManualClock(1_800_000_000_000);
});
afterEach(() => {
  for (const wallet of opened.splice(0)) wallet.lock();
  rmSync(home, { recursive: true });
});

const open = async (init: Partial<WalletInit> = {}): Promise<Wallet> => {
  const wallet = await Wallet.open({ home, clock, costForTests: CHEAP, ...init });
  opened.push(wallet);
  return wallet;
};
const file = (name = 'wallet.json'): string => join(home, name);
const disk = (): string => readdirSync(home).map((name) => readFileSync(file(name), 'utf8')).join('\n');
const code = (promise: Promise<unknown>) => promise.then(() => undefined, (error: { code: string }) => error.code);

const batchOf = (wallet: Wallet, init: Partial<Batch> = {}): Batch => ({ id: 'one', what: 'stake', from: wallet.address, calls: [{ what: 'stake', to: TO, data: '0x1234', value: 0n }], maxFeeWei: 1_000_000n, ...init });
const subjectOf = (batch: Batch, init: Partial<BatchSubject> = {}): BatchSubject =>
  ({ kind: 'batch', chain: { kind: 'embedded', chainId: NETWORK.chainId, name: NETWORK.name }, batch, calls: [], spends: 0n, simulation: { outcome: 'succeeds', maxFeeWei: batch.maxFeeWei }, sessions: [], warnings: [], ...init });
const transaction: UnsignedTransaction = { chainId: NETWORK.chainId, nonce: 7, to: TO, data: '0x1234', value: 0n, gas: 100n, maxFeePerGas: 1_000n, maxPriorityFeePerGas: 1n };

/** Stands for the system's. */
const box: SecretBox = {
  seal: (text) => Buffer.from(Buffer.from(text).toString('hex')),
  open: (bytes) => {
    const text = Buffer.from(Buffer.from(bytes).toString(), 'hex').toString();
    if (!text.startsWith('{')) throw new Error('not mine');
    return text;
  },
};

it('is created, locked, unlocked by its password alone, and exported; nothing of it lies on the disk in the open', async () => {
  const wallet = await open();
  expect([wallet.state(), await code(wallet.unlock(PASSWORD))]).toEqual([{ status: 'none' }, 'WALLET_NONE']);
  const { phrase } = await wallet.create(PASSWORD, 12);
  expect(wallet.state()).toMatchObject({ status: 'ready', keeping: 'password', hasPhrase: true, spend: { perDayUnits: 1_000n * UNIT, todayUnits: 0n } });
  if (process.platform !== 'win32') expect(statSync(file()).mode & 0o777).toBe(0o600);
  for (const word of [PASSWORD, phrase, ...phrase.split(' ').filter((one) => one.length > 5)]) expect(disk()).not.toContain(word);
  const again = await open();
  expect(again.state()).toMatchObject({ status: 'locked', address: wallet.address });
  expect(await code(again.unlock('not it'))).toBe('WALLET_WRONG_PASSWORD');
  await again.unlock(PASSWORD);
  expect([again.state().status, await again.exportPhrase(PASSWORD), await code(again.exportPhrase('other'))]).toEqual(['ready', phrase, 'WALLET_WRONG_PASSWORD']);
  expect([await code(again.create(PASSWORD)), await code(again.importKey(KEY, PASSWORD)), await code((await open()).create(PASSWORD))]).toEqual(['WALLET_EXISTS', 'WALLET_EXISTS', 'WALLET_EXISTS']);
});

it('is imported from a phrase, a key, or another program\'s file, and its own file is one', async () => {
  const wallet = await open();
  await wallet.importPhrase(PHRASE, PASSWORD);
  expect(wallet.address).toBe('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266');
  const exported = await wallet.exportFile(PASSWORD);
  expect(Object.keys(JSON.parse(exported) as object)).toEqual(['version', 'id', 'address', 'crypto']);
  for (const text of [exported, readFileSync(file(), 'utf8')]) {
    rmSync(file());
    const other = await open();
    expect(await code(other.importFile(text, { filePassword: 'wrong one', password: PASSWORD }))).toBe('WALLET_WRONG_PASSWORD');
    await other.importFile(text, { filePassword: PASSWORD, password: 'another password' });
    expect([other.address, await code(other.exportPhrase('another password'))]).toEqual([wallet.address, 'WALLET_NO_PHRASE']);
  }
  rmSync(file());
  const keyed = await open();
  for (const bad of ['', 'xyz', `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`, KEY.slice(4)]) expect(await code(keyed.importKey(bad, PASSWORD))).toBe('WALLET_BAD_KEY');
  expect(await code(keyed.importKey(KEY, 'short'))).toBe('WALLET_WEAK_PASSWORD');
  await keyed.importKey(KEY, PASSWORD);
  expect(keyed.state()).toMatchObject({ status: 'ready', hasPhrase: false });
});

it('changes its password: the old one opens nothing more, the phrase stays', async () => {
  const wallet = await open();
  await wallet.importPhrase(PHRASE, PASSWORD);
  expect(await code(wallet.changePassword('wrong', 'a new password'))).toBe('WALLET_WRONG_PASSWORD');
  await wallet.changePassword(PASSWORD, 'a new password');
  const again = await open();
  expect(await code(again.unlock(PASSWORD))).toBe('WALLET_WRONG_PASSWORD');
  expect(await again.exportPhrase('a new password')).toBe(PHRASE);
});

it('is sealed besides where the system can, also when it lay there unsealed, and says when it cannot be opened', async () => {
  await (await open()).importPhrase(PHRASE, PASSWORD);
  const sealing = await open({ box });
  expect([sealing.state(), readFileSync(file(), 'utf8').includes('ciphertext')]).toMatchObject([{ status: 'locked', keeping: 'sealed' }, false]);
  await sealing.unlock(PASSWORD);
  expect(await code(open())).toBe('WALLET_SEALED');
  writeFileSync(file(), JSON.stringify({ version: 1, kept: 'sealed', value: 'AAAA' }));
  expect(await code(open({ box }))).toBe('WALLET_UNREADABLE');
});

it('that is damaged, or that others may read, is neither used nor written over', async () => {
  await (await open()).importPhrase(PHRASE, PASSWORD);
  const good = readFileSync(file(), 'utf8');
  for (const text of ['', '{', '{}', '[]', good.slice(0, 200), good.replace('"version":3', '"version":4'), 'x'.repeat(70_000)]) {
    writeFileSync(file(), text);
    expect([text.slice(0, 20), await code(open())]).toEqual([text.slice(0, 20), 'WALLET_UNREADABLE']);
    expect(readFileSync(file(), 'utf8')).toBe(text);
  }
  writeFileSync(file(), good.replace(/"address":"[0-9a-f]{4}/, '"address":"0000'));
  expect(await code((await open()).unlock(PASSWORD))).toBe('WALLET_UNREADABLE');
  if (process.platform === 'win32') return;
  chmodSync(file(), 0o644);
  expect(await code(open())).toBe('WALLET_READABLE_BY_OTHERS');
});

it('takes guesses ever more slowly, and one at a time', async () => {
  const wallet = await open();
  await wallet.importKey(KEY, PASSWORD);
  wallet.lock();
  const wrong = await Promise.all(Array.from({ length: 7 }, () => code(wallet.unlock('a wrong guess'))));
  expect(wrong.sort()).toEqual(['WALLET_TOO_MANY_ATTEMPTS', 'WALLET_TOO_MANY_ATTEMPTS', ...Array.from({ length: 5 }, () => 'WALLET_WRONG_PASSWORD')]);
  expect(await code(wallet.unlock(PASSWORD))).toBe('WALLET_TOO_MANY_ATTEMPTS');
  clock.advance(1_000);
  expect(await code(wallet.unlock('a wrong guess'))).toBe('WALLET_WRONG_PASSWORD');
  clock.advance(1_999);
  expect(await code(wallet.unlock(PASSWORD))).toBe('WALLET_TOO_MANY_ATTEMPTS');
  clock.advance(1);
  await wallet.unlock(PASSWORD);
});

it('locks itself when nothing is signed for a while', async () => {
  const wallet = await open({ idleLockMs: 20 });
  const locked = wallet.events.once('changed', { accept: ({ status }) => status === 'locked' });
  await wallet.importKey(KEY, PASSWORD);
  await locked;
  expect(await code(wallet.signVoucher({ sessionId: KEY as Hex, root: KEY as Hex }))).toBe('WALLET_LOCKED');
});

it('signs the transactions of an approved batch as it was shown, and none besides', async () => {
  const wallet = await open();
  await wallet.importKey(KEY, PASSWORD);
  const batch = batchOf(wallet);
  const signer = wallet.signer();
  expect(await code(signer.sign(batch, 0, transaction))).toBe('WALLET_NOT_CONSENTED');
  await wallet.approve('one', subjectOf(batch));
  const other: readonly [Batch, number, UnsignedTransaction][] = [
    [batch, 1, transaction], [batch, -1, transaction], [{ ...batch, id: 'two' }, 0, transaction], [{ ...batch, maxFeeWei: 2_000_000n }, 0, transaction],
    [{ ...batch, calls: [...batch.calls, ...batch.calls] }, 0, transaction], [{ ...batch, calls: [{ ...batch.calls[0]!, to: KEY.slice(0, 42) as Hex }] }, 0, { ...transaction, to: KEY.slice(0, 42) as Hex }],
    [batch, 0, { ...transaction, data: '0x1235' }], [batch, 0, { ...transaction, value: 1n }], [batch, 0, { ...transaction, to: NETWORK.contracts.SumToken }], [batch, 0, { ...transaction, chainId: 1 }],
    [batch, 0, { ...transaction, gas: 1_001n }], [batch, 0, { ...transaction, maxFeePerGas: 10_001n }],
  ];
  for (const [index, [theirs, at, tx]] of other.entries()) expect([index, await code(signer.sign(theirs, at, tx))]).toEqual([index, 'WALLET_NOT_CONSENTED']);
  const signed = await signer.sign(batch, 0, transaction);
  expect(parseTransaction(signed)).toMatchObject({ nonce: 7, chainId: NETWORK.chainId, gas: 100n });
  expect(await recoverTransactionAddress({ serializedTransaction: signed as `0x02${string}` })).toBe(wallet.address);
  // Sent again at a higher fee: the same nonce.
  await signer.sign(batch, 0, { ...transaction, maxFeePerGas: 10_000n });
  expect(await code(signer.sign(batch, 0, { ...transaction, nonce: 8 }))).toBe('WALLET_NOT_CONSENTED');
  expect(await code(wallet.approve('one', subjectOf(batch)))).toBe('WALLET_KNOWN_ID');
});

it('goes on with an approved batch after a restart, when it is unlocked; with another nonce only when the first can never be used', async () => {
  let receipt: object | null = null;
  let count = '0x7';
  const witness = chainWitness((method) => Promise.resolve(method === 'eth_getTransactionCount' ? count : receipt));
  const wallet = await open();
  await wallet.importKey(KEY, PASSWORD);
  const batch = batchOf(wallet);
  await wallet.approve('one', subjectOf(batch));
  await wallet.signer().sign(batch, 0, transaction);
  const again = await open({ witness });
  expect(await code(again.signer().sign(batch, 0, transaction))).toBe('WALLET_LOCKED');
  await again.unlock(PASSWORD);
  await again.signer().sign(batch, 0, transaction);
  const anew = () => code(again.signer().sign(batch, 0, { ...transaction, nonce: 8 }));
  expect(await anew()).toBe('WALLET_NOT_CONSENTED');
  count = '0x8';
  receipt = { gasUsed: '0x1', effectiveGasPrice: '0x1' };
  expect(await anew()).toBe('WALLET_NOT_CONSENTED');
  receipt = null;
  await again.signer().sign(batch, 0, { ...transaction, nonce: 8 });
});

it('counts a step that is in a block at what it cost', async () => {
  const paid: { receipt: object | null } = { receipt: null };
  const wallet = await open({ witness: chainWitness(() => Promise.resolve(paid.receipt)) });
  await wallet.importKey(KEY, PASSWORD);
  const [call] = batchOf(wallet).calls;
  const batch = batchOf(wallet, { calls: [call!, call!] });
  await wallet.approve('one', subjectOf(batch));
  await wallet.signer().sign(batch, 0, { ...transaction, maxFeePerGas: 9_000n });
  const second = () => code(wallet.signer().sign(batch, 1, { ...transaction, nonce: 8, maxFeePerGas: 5_000n }));
  expect(await second()).toBe('WALLET_NOT_CONSENTED');
  paid.receipt = { gasUsed: '0x64', effectiveGasPrice: '0x3e8' };
  expect(await second()).toBeUndefined();
});

it('counts what was approved in 24 hours, over a restart, and asks for the password beyond the limit', async () => {
  const wallet = await open();
  await wallet.importKey(KEY, PASSWORD);
  const spend = (id: string, sum: bigint, password?: string) => wallet.approve(id, subjectOf(batchOf(wallet, { id }), { spends: sum * UNIT }), password);
  await spend('a', 600n);
  expect(wallet.passwordNeeded({ spends: 400n * UNIT, warnings: [] })).toBeUndefined();
  expect(wallet.passwordNeeded({ spends: 400n * UNIT + 1n, warnings: [] })).toBe('over-limit');
  await expect(spend('b', 500n)).rejects.toMatchObject({ code: 'WALLET_PASSWORD_NEEDED', meta: { why: 'over-limit' } });
  expect(await code(spend('b', 500n, 'wrong one'))).toBe('WALLET_WRONG_PASSWORD');
  await spend('b', 500n, PASSWORD);
  const again = await open();
  expect(again.state()).toMatchObject({ spend: { todayUnits: 1_100n * UNIT } });
  await again.unlock(PASSWORD);
  expect(again.passwordNeeded({ spends: 1n, warnings: [] })).toBe('over-limit');
  expect(again.passwordNeeded({ spends: 0n, warnings: ['reverts', 'not-simulated'] })).toBeUndefined();
  expect(again.passwordNeeded({ spends: 0n, warnings: ['unknown-call'] })).toBe('warned');
  clock.advance(86_400_000);
  expect(again.passwordNeeded({ spends: 1_000n * UNIT, warnings: [] })).toBeUndefined();
  expect(await code(again.setLimit(null, 'wrong one'))).toBe('WALLET_WRONG_PASSWORD');
  await again.setLimit(null, PASSWORD);
  expect([again.passwordNeeded({ spends: 10n ** 30n, warnings: [] }), (await open()).state()]).toMatchObject([undefined, { spend: { perDayUnits: null } }]);
});

it('believes no consent that somebody else wrote into its file, and from then on asks for the password', async () => {
  const wallet = await open();
  await wallet.importKey(KEY, PASSWORD);
  await wallet.approve('one', subjectOf(batchOf(wallet)));
  const good = readFileSync(file('wallet-consents.json'), 'utf8');
  const forged = batchOf(wallet, { id: 'two' });
  const page = JSON.parse(good) as { consents: object[]; mac: string };
  for (const text of [
    JSON.stringify({ ...page, consents: [...page.consents, { ...page.consents[0], id: 'two' }] }), JSON.stringify({ ...page, perDayUnits: null }), JSON.stringify({ ...page, mac: '0'.repeat(64) }), '{', good.slice(0, -40),
  ]) {
    writeFileSync(file('wallet-consents.json'), text);
    const again = await open();
    await again.unlock(PASSWORD);
    expect([await code(again.signer().sign(forged, 0, transaction)), await code(again.signer().sign(batchOf(wallet), 0, transaction))]).toEqual(['WALLET_NOT_CONSENTED', 'WALLET_NOT_CONSENTED']);
    expect(again.passwordNeeded({ spends: 1n, warnings: [] })).toBe('over-limit');
  }
  writeFileSync(file('wallet-consents.json'), good);
  const again = await open();
  await again.unlock(PASSWORD);
  await again.signer().sign(batchOf(wallet), 0, transaction);
});

it('signs vouchers of sessions whose opening was approved, and of no other', async () => {
  const wallet = await open();
  await wallet.importKey(KEY, PASSWORD);
  const [sessionId, root]: readonly Hex[] = [`0x${'aa'.repeat(32)}`, `0x${'bb'.repeat(32)}`];
  const voucher = { sessionId: sessionId!, root: root! };
  expect(await code(wallet.signVoucher(voucher))).toBe('WALLET_NOT_CONSENTED');
  await wallet.approve('one', subjectOf(batchOf(wallet), { sessions: [{ sessionId: voucher.sessionId, settlement: NETWORK.contracts.Settlement }] }));
  const typed = {
    domain: { name: 'OmniNode Settlement', version: '1', chainId: NETWORK.chainId, verifyingContract: NETWORK.contracts.Settlement },
    types: { Voucher: [{ name: 'sessionId', type: 'bytes32' }, { name: 'root', type: 'bytes32' }] }, primaryType: 'Voucher', message: voucher,
  } as const;
  expect(await recoverTypedDataAddress({ ...typed, signature: await wallet.signVoucher(voucher) })).toBe(wallet.address);
  expect(await code(wallet.signVoucher({ ...voucher, sessionId: root! }))).toBe('WALLET_NOT_CONSENTED');
});
