import { expect, it } from 'vitest';
import { Events, silentLogger } from '../../base/index.ts';
import type { SumChain, Wallet } from '../../chain/index.ts';
import type { PayHost } from '../paid/index.ts';
import type { EconomyHost } from './economy-host.ts';
import { PayLink } from './pay-link.ts';

function ground() {
  const events: Wallet['events'] = new Events();
  const wallet = { events, state: () => ({ status: now.status }), address: '0x00' };
  const now = { status: 'none', isWanted: false, connected: 0, disconnected: 0, asked: 0 };
  const economy = { wallet, chain: async () => {
    now.asked++;
    return { network: { contracts: {} } } as unknown as SumChain;
  } } as unknown as EconomyHost;
  const pay = { get isWanted() { return now.isWanted; }, connect: async () => void now.connected++, disconnect: async () => void now.disconnected++ } as unknown as PayHost;
  return { now, events, link: new PayLink({ economy, pay, logger: silentLogger }) };
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
