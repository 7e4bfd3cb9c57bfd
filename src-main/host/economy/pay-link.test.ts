import { expect, it } from 'vitest';
import { Events, silentLogger, toCoded } from '../../base/index.ts';
import { walletErrors, type SumChain, type Wallet } from '../../chain/index.ts';
import type { PayHost, PayWallet } from '../paid/index.ts';
import type { EconomyHost } from './economy-host.ts';
import { PayLink } from './pay-link.ts';

function ground() {
  const events: Wallet['events'] = new Events();
  const wallet = { events, isApproved: () => false, state: () => ({ status: now.status }), address: '0x00' };
  const now = { status: 'none', isWanted: false, connected: 0, disconnected: 0, asked: 0, waiting: [] as string[] };
  const connected = Promise.withResolvers<PayWallet>();
  const sender = { send: ({ id, signal }: { readonly id: string; readonly signal: AbortSignal }) => {
    now.waiting.push(id);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(walletErrors.refused({})), { once: true }));
  } };
  const economy = { wallet, chain: async () => {
    now.asked++;
    return { network: { contracts: {} }, outbox: { entry: () => undefined } } as unknown as SumChain;
  }, sender } as unknown as EconomyHost;
  const pay = { get isWanted() { return now.isWanted; }, connect: async ({ wallet: given }: { readonly wallet: PayWallet }) => {
    now.connected++;
    connected.resolve(given);
  }, disconnect: async () => void now.disconnected++ } as unknown as PayHost;
  return { now, events, connected: connected.promise, link: new PayLink({ economy, pay, logger: silentLogger }) };
}

it('connects once there is a wallet and pay is wanted, whichever comes last', async () => {
  const { now, events, link } = ground();
  link.look();
  link.start();
  now.status = 'locked';
  events.emit('changed', undefined as never);
  expect(now.asked).toBe(0);
  now.isWanted = true;
  link.look();
  link.look();
  await expect.poll(() => now.connected).toBe(1);
  expect(now.asked).toBe(1);
  await link.stop();
  link.look();
  expect(now).toMatchObject({ asked: 1, disconnected: 1 });
});

it('leaves room for what somebody waits for: only so many documents of settlement wait at once', async () => {
  const { now, connected, link } = ground();
  Object.assign(now, { status: 'locked', isWanted: true });
  link.start();
  const wallet = await connected;
  const send = (id: string, isPatient: boolean) => wallet.send({ id, what: id, calls: [], isPatient }).then(() => 'sent', (error: unknown) => toCoded(error).code);
  const first = ['1', '2', '3', '4'].map((id) => send(id, true));
  expect(await send('5', true)).toBe('WALLET_TOO_MANY_WAITING');
  const opening = send('open', false);
  expect(now.waiting).toEqual(['1', '2', '3', '4', 'open']);
  await link.stop();
  expect(new Set(await Promise.all([...first, opening]))).toEqual(new Set(['WALLET_REFUSED']));
});
