import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaidHosts, ROOM_BYTES, ask, decides, economyOf } from '../support/paid-hosts.ts';

let hosts: PaidHosts;
beforeAll(async () => { hosts = await PaidHosts.open(); });
afterAll(() => hosts.stop());

it('pays', async () => {
  const t0 = Date.now();
  const say = (...what: unknown[]) => console.log(((Date.now() - t0) / 1000).toFixed(1), ...what);
  const payer = await hosts.start('payer', { chatOver: 'mesh', payUpTo: '1' });
  say('payer up', JSON.stringify(payer.api.status()));
  payer.api.events.on('status', (s) => say('status', JSON.stringify(s)));
  const peers = payer.api.info().addresses.slice(0, 1);
  const nodes = [];
  for (const name of ['a', 'b', 'c']) nodes.push(await hosts.start(name, { contribute: true, contributeMemoryBytes: ROOM_BYTES, payPrice: '0.5', peers }));
  say('nodes up');
  const account = await hosts.fund(payer);
  const accounts = [];
  for (const node of nodes) { accounts.push(await hosts.fund(node)); await hosts.stake(node, 1000); }
  say('staked', account);
  const owner = decides(payer);
  await expect.poll(() => payer.api.status().kind, { timeout: 60_000 }).toBe('ready');
  say('ready', JSON.stringify(payer.api.stages()), owner.asked);
  say(await ask(payer, 'How does OmniNode split a model?'));
  say(payer.pay.paid!.book.sessions(), economyOf(payer).transactions());
}, 200_000);
