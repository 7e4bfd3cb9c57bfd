import { afterEach, beforeEach, expect, it } from 'vitest';
import { NETWORK, PASSWORD, walletGround, type WalletGround } from '../../../test/support/wallet-ground.ts';
import { Consents } from './consents.ts';
import { describeBinding } from './describe/binding.ts';
import { describeMessage } from './describe/message.ts';

let ground: WalletGround;
beforeEach(async () => {
  ground = await walletGround();
  await ground.wallet.create(PASSWORD);
});
afterEach(() => ground.stop());

const asker = { kind: 'page', name: '' } as const;
const message = (text: string) => describeMessage(`0x${Buffer.from(text).toString('hex')}`, { network: NETWORK, own: ground.wallet.address });
const ask = (text: string, consents = ground.consents, signal?: AbortSignal) => consents.ask({ asker, subject: message(text), ...(signal === undefined ? {} : { signal }) });
const code = (promise: Promise<unknown>) => promise.then(() => undefined, (error: { code: string }) => error.code);

it('asks one after the other, and takes one decision for exactly what is shown', async () => {
  const { consents } = ground;
  const [first, second] = [ask('one'), code(ask('two'))];
  const [shown, later] = [consents.current(), consents.waiting()[1]!];
  expect(shown.subject).toMatchObject({ text: 'one' });
  for (const wrong of [{ id: shown.id, digest: later.digest }, { id: later.id, digest: shown.digest }, { id: '', digest: '' }]) {
    for (const isApproved of [true, false]) expect(await code(consents.decide({ ...wrong, isApproved }))).toBe('WALLET_CHANGED');
  }
  const decision = { id: shown.id, digest: shown.digest, isApproved: true };
  const twice = await Promise.all([code(consents.decide(decision)), code(consents.decide(decision))]);
  expect(twice).toEqual([undefined, 'WALLET_CHANGED']);
  expect((await first).signature).toMatch(/^0x[0-9a-f]{130}$/);
  expect(await code(consents.decide(decision))).toBe('WALLET_CHANGED');
  await consents.decide({ id: later.id, digest: later.digest, isApproved: false });
  expect([await second, consents.waiting()]).toEqual(['WALLET_REFUSED', []]);
  expect(() => consents.current()).toThrow(expect.objectContaining({ code: 'WALLET_NOTHING_WAITS' }));
});

it('waits on after a wrong password, and takes silence, an end and a call taken back as refusals', async () => {
  const { consents, wallet } = ground;
  wallet.lock();
  const [asked, control] = [code(ask('one')), new AbortController()];
  const [{ id, digest, passwordNeeded }, other] = [consents.current(), code(ask('two', consents, control.signal))];
  expect([passwordNeeded, await code(consents.decide({ id, digest, isApproved: true })), await code(consents.decide({ id, digest, isApproved: true, password: 'not mine' }))]).toEqual(['locked', 'WALLET_PASSWORD_NEEDED', 'WALLET_WRONG_PASSWORD']);
  control.abort();
  expect([await other, consents.waiting().length]).toEqual(['WALLET_REFUSED', 1]);
  consents.stop();
  expect(await asked).toBe('WALLET_REFUSED');
  expect(await code(ask('late', new Consents({ wallet, expiryMs: 10 })))).toBe('WALLET_EXPIRED');
});

it('refuses the ninth, and anything where there is no wallet', async () => {
  const all = Array.from({ length: 8 }, (_, index) => code(ask(`${index}`)));
  expect(await code(ask('one more'))).toBe('WALLET_TOO_MANY_WAITING');
  ground.consents.stop();
  expect(new Set(await Promise.all(all))).toEqual(new Set(['WALLET_REFUSED']));
  const empty = await walletGround();
  // The node alone can be given to an account where there is no wallet, by nobody but who decides.
  const binding = describeBinding({ network: NETWORK, nodeId: `0x${'9'.repeat(64)}`, peer: '12D3KooW', account: `0x${'ab'.repeat(20)}`, nonce: 0n });
  const bound = empty.consents.ask({ asker, subject: binding });
  const { id, digest, ...shown } = empty.consents.current();
  expect(shown).not.toHaveProperty('passwordNeeded');
  await empty.consents.decide({ id, digest, isApproved: true });
  expect(await bound).toEqual({});
  expect(await code(ask('x', empty.consents))).toBe('WALLET_NONE');
  await empty.stop();
});

it('shows a name that others chose on one line, without what hides or turns text around', () => {
  void code(ground.consents.ask({ asker: { kind: 'api', name: `a\u202eb\n\u0000c${'x'.repeat(500)}` }, subject: message('x') }));
  expect(ground.consents.current().asker.name).toMatch(/^a b cx{1,96}$/);
});
