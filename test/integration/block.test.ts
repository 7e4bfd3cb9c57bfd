import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { NetCheck } from '../../src-preload/bridge/index.ts';
import { appPaths, createNode, listBans, loadSettings, type Node } from '../../src-main/host/index.ts';
import { NetworkAdmin } from '../../src-main/host/network/network-service.ts';
import { netOf } from '../../src-main/host/net-doctor/net-now.ts';

let folder = '';
const nodes: Node[] = [];
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-block-')); });
afterEach(async () => { for (const node of nodes.splice(0).reverse()) await node.stop(); });
afterAll(() => rm(folder, { recursive: true }));

const settingsOf = (name: string, peers: readonly string[] = []) => loadSettings({ home: join(folder, name), peers, dht: false }, {});
async function member(name: string, peers: readonly string[] = []): Promise<Node> {
  const node = await createNode({ settings: await settingsOf(name, peers), paths: appPaths(), shards: [], identity: 'file' });
  nodes.push(node);
  await node.start();
  return node;
}
const adminOf = async (node: Node, name: string): Promise<NetworkAdmin> => new NetworkAdmin({ node, config: (await settingsOf(name)).config, receipts: { of: () => undefined }, net: netOf(node) });
const addressOf = (node: Node): string => node.mesh.addresses()[0] ?? '';
const ids = (node: Node): readonly string[] => node.mesh.peers().map(({ peer }) => peer);
const met = (node: Node, peer: string): Promise<unknown> => vi.waitFor(() => expect(ids(node)).toContain(peer), { timeout: 30_000, interval: 20 });
const met2 = async (one: Node, other: Node): Promise<void> => { await Promise.all([met(one, other.mesh.peerId), met(other, one.mesh.peerId)]); };
/** How a check ended. */
async function over(admin: NetworkAdmin, target?: string): Promise<NetCheck> {
  const { checkId } = admin.check(target === undefined ? {} : { target });
  for (let state = await admin.checked({ checkId, seen: 0 }); ; state = await admin.checked({ checkId, seen: state.revision })) if (state.doing === undefined) return state;
}

it('a blocked peer is gone at once, comes in no more, not after a restart either, and comes again when it is unblocked', async () => {
  const owner = await member('owner');
  const other = await member('other', [addressOf(owner)]);
  await met2(owner, other);
  const [admin, peer] = [await adminOf(owner, 'owner'), other.mesh.peerId];
  await vi.waitFor(() => expect(admin.known().peers).toMatchObject([{ peerId: peer, isConnected: true, faults: 0, topicScore: expect.any(Number) }]), { timeout: 30_000, interval: 20 });
  const gone = other.mesh.events.once('peer:disconnect');
  expect(await admin.block({ subject: peer, reason: 'test', durationMs: 3_600_000 })).toMatchObject({ subject: peer, reason: 'test' });
  await gone;
  expect(ids(owner)).not.toContain(peer);
  // The other processes of this home read the same list.
  expect(await listBans((await settingsOf('owner')).config)).toMatchObject([{ subject: peer, reason: 'test' }]);
  expect(await admin.blocked()).toMatchObject({ total: 1, blocked: [{ subject: peer }] });
  await expect(owner.mesh.dial(addressOf(other))).rejects.toMatchObject({ code: 'ZONE_BANNED' });
  await other.mesh.dial(addressOf(owner)).then(() => other.mesh.ping(owner.mesh.peerId)).then(() => expect.unreachable('it was let in'), () => undefined);
  expect(ids(owner)).not.toContain(peer);
  expect((await over(admin, addressOf(other))).findings).toMatchObject([{ name: 'target', verdict: 'ok' }, { name: 'blocked', verdict: 'fail', detail: expect.stringMatching(/for (1 h|60 min) more: test$/) }]);

  await owner.stop();
  nodes.splice(nodes.indexOf(owner), 1);
  const again = await member('owner');
  const [restarted] = [await adminOf(again, 'owner')];
  expect(await restarted.blocked()).toMatchObject({ total: 1 });
  await expect(again.mesh.dial(addressOf(other))).rejects.toMatchObject({ code: 'ZONE_BANNED' });
  // Where it is, is not forgotten over what was refused here.
  expect(restarted.about({ peerId: peer })).toMatchObject({ known: { isConnected: false, failures: 0 }, addresses: [{ address: addressOf(other), failures: 0 }] });

  expect(await restarted.unblock({ subject: peer })).toEqual({ wasBlocked: true });
  expect(await restarted.unblock({ subject: peer })).toEqual({ wasBlocked: false });
  expect(await again.mesh.dial(addressOf(other))).toBe(peer);
  await met2(again, other);
  expect(restarted.about({ peerId: peer })).toMatchObject({ known: { peerId: peer, isConnected: true }, addresses: [{ address: addressOf(other), proof: 'dialled', failures: 0 }] });
});

it('this node does not block itself or its own machine, nor what is neither a peer nor an address', async () => {
  const owner = await member('alone');
  const admin = await adminOf(owner, 'alone');
  for (const subject of [owner.mesh.peerId, '127.0.0.1', '::1']) await expect(admin.block({ subject, reason: '' })).rejects.toMatchObject({ code: 'HOST_BLOCKS_ITSELF' });
  await expect(admin.block({ subject: 'somebody', reason: '' })).rejects.toMatchObject({ code: 'ZONE_BAD_SUBJECT' });
  expect(await admin.block({ subject: '203.0.113.7', reason: '' })).toMatchObject({ subject: '203.0.113.7', untilMs: null });
  expect(existsSync(join(folder, 'alone', 'bans.json'))).toBe(true);
});

it('says of the whole and of one peer what is well and what is not, and what to do', async () => {
  const [one, two] = [await member('one'), await member('two')];
  const admin = await adminOf(one, 'one');
  expect((await over(admin)).findings.map(({ name }) => name)).toEqual(['node', 'zone', 'listen', 'firewall', 'reached from', 'members', 'mDNS', 'clocks']);
  const reached = await over(admin, addressOf(two));
  expect(reached.findings.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(['target ok', 'blocked ok', 'dial ok', 'connected ok', 'answer ok']);
  // Known by now, so that its id will do.
  expect((await over(admin, two.mesh.peerId)).findings.map(({ name }) => name)).toEqual(['target', 'blocked', 'connected', 'answer']);
  const closed = addressOf(two).replace(/\/tcp\/\d+/, '/tcp/1').replace(two.mesh.peerId, '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq');
  expect((await over(admin, closed)).findings.at(-1)).toMatchObject({ name: 'dial', verdict: 'fail', detail: expect.stringContaining('nothing listens'), next: expect.stringContaining('Start OmniNode there') });
  const outside = closed.replace('127.0.0.1', '203.0.113.7');
  expect((await over(admin, outside)).findings.at(-1)).toMatchObject({ name: 'dial', verdict: 'fail', detail: expect.stringContaining('zone local meets nobody there') });
  const other = addressOf(two).replace(two.mesh.peerId, '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq');
  expect((await over(admin, other)).findings.at(-1)).toMatchObject({ name: 'dial', verdict: 'fail', detail: expect.stringContaining('another node answers there') });
});
