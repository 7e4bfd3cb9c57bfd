import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { node, settlement, signer, terms, word } from '../../../test/support/pay-server.ts';
import { settled } from '../../../test/support/settled.ts';
import { silentLogger } from '../../base/index.ts';
import { chainErrors, type Call, type Hex } from '../../chain/index.ts';
import { PayBook } from './book.ts';
import { NodeSettler } from './node-settler.ts';
import type { PayChain } from './pay-chain.ts';
import { PayerSettler } from './payer-settler.ts';
import type { PayBatch } from './ports.ts';
import { Settlements } from './settlements.ts';
import { Steps } from './steps.ts';

const [FIRST, SECOND] = [word('a'), word('b')];
/** Of the chain: rewards are fixed by then. */
const NOW_S = 400_000n;
const owner: Hex = `0x${'4'.repeat(40)}`;
let home = '';
beforeEach(() => { home = mkdtempSync(join(tmpdir(), 'omninode-settlements-')); });
afterEach(() => rmSync(home, { recursive: true }));

type Answer = (batch: PayBatch, signal: AbortSignal) => Promise<void>;
/** Neither the owner nor the chain says anything. */
const waits: Answer = (_batch, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(chainErrors.down({ reason: 'the end' })), { once: true }));
const call = (what: string): Call[] => [{ what, to: settlement, data: '0x', value: 0n }];

/** Both ends of two sessions that are final, or not yet; the chain learns what the wallet sends. */
function ground(answer: Answer, { finalAt = 10n, posted = [FIRST, SECOND] }: { readonly finalAt?: bigint; readonly posted?: readonly Hex[] } = {}) {
  const book = new PayBook(join(home, 'pay.db'));
  for (const id of [FIRST, SECOND]) {
    for (const role of ['node', 'payer'] as const) {
      book.begin({ role, id, chainId: 7, settlement, work: id, payer: owner, openedMs: id === FIRST ? 1 : 2, state: 'closed' }, [{ ...terms, sessionId: id, peer: signer.peerId, tokens: 9 }]);
      book.addVoucher(role, id, [{ nodeId: node.nodeId, root: id, path: [], tokens: 9, receiptsRoot: word('0'), signature: '0x12' }]);
    }
  }
  const sent: string[] = [];
  const on = new Set<string>(posted.map((root) => `post/${root}`));
  const chain = {
    network: { chainId: 7 }, settlement, time: async () => NOW_S, ownerOf: async () => owner, standing: async () => 'none', isScored: async () => true, rewardableFee: async () => 0n, distributed: async () => 0, allocation: async () => 0n,
    session: async (id: Hex) => ({ payer: owner, endsAt: 1n, finalAt, nodeIds: [node.nodeId], left: on.has(`refund/${id}`) ? 0n : 1n }), share: async (id: Hex) => ({ cap: 1n, isClosed: on.has(`claim/${id}`) }), isPosted: async (_id: Hex, root: Hex) => on.has(`post/${root}`),
    post: () => call('post'), collect: () => call('claim'), refund: () => call('refund'),
  } as unknown as PayChain;
  const wallet = {
    address: owner, signVoucher: () => Promise.resolve<Hex>('0x12'),
    send: async (batch: PayBatch, signal?: AbortSignal) => {
      const name = batch.id.split('/').slice(1, 3).join('/');
      sent.push(name);
      await answer(batch, signal!);
      on.add(name);
    },
  };
  const steps = new Steps({ book, wallet, logger: silentLogger });
  const all = { book, chain, wallet, steps };
  const settlements = new Settlements({ settlers: [new NodeSettler({ ...all, patienceS: 0n }), new PayerSettler({ ...all, isLive: () => false, now: () => 3 })], steps, logger: silentLogger });
  const state = (id: Hex) => (['node', 'payer'] as const).map((role) => book.session(role, id)?.state);
  return { settlements, sent, state, stop: () => settlements.stop().then(() => book.close()) };
}

test('a step that waits holds up neither the other session nor the other side, and is not asked for twice', async () => {
  const { settlements, sent, state, stop } = ground((batch, signal) => (batch.id.includes(`claim/${FIRST}`) ? waits(batch, signal) : Promise.resolve()));
  for (let look = 0; look < 4; look++) await settlements.look();
  expect(sent).toEqual([`claim/${FIRST}`, `claim/${SECOND}`, `refund/${SECOND}`]);
  expect([FIRST, SECOND].map(state)).toEqual([['closed', 'closed'], ['done', 'done']]);
  await stop();
});

test('a session is done by one settling where all answers come, what is left over last', async () => {
  const { settlements, sent, state, stop } = ground(() => Promise.resolve());
  for (let more = 0; more < 2; more++) await settled(settlements);
  expect(sent.toSorted()).toEqual([`claim/${FIRST}`, `claim/${SECOND}`, `refund/${FIRST}`, `refund/${SECOND}`]);
  expect(sent.indexOf(`claim/${FIRST}`)).toBeLessThan(sent.indexOf(`refund/${FIRST}`));
  expect([FIRST, SECOND].map(state)).toEqual([['done', 'done'], ['done', 'done']]);
  await stop();
});

test('both sides of one home post a voucher once, though nobody answers, and the end waits for nothing', async () => {
  const { settlements, sent, stop } = ground(waits, { finalAt: NOW_S + 1n, posted: [] });
  for (let look = 0; look < 3; look++) await settlements.look();
  expect(sent).toEqual([`post/${FIRST}`, `post/${SECOND}`]);
  await settlements.stop();
  await settlements.idle();
  await settlements.look();
  expect(sent).toHaveLength(2);
  await stop();
});

test('what reverts is another step each time, and left alone after five', async () => {
  const ids: string[] = [];
  const { settlements, stop } = ground((batch) => {
    ids.push(batch.id);
    return Promise.reject(chainErrors.reverted({ reason: 'no', error: 'No', args: {} }));
  });
  for (let look = 0; look < 7; look++) await settlements.look().then(() => settlements.idle());
  expect(ids.filter((id) => id.includes(FIRST)).map((id) => id.split('/').at(-1))).toEqual(['0', '1', '2', '3', '4']);
  await stop();
});
