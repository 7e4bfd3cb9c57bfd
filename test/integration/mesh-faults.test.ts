import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { expect, test, type TestContext } from 'vitest';
import type { PeerId } from '../../src-main/base/index.ts';
import { loadIdentity } from '../../src-main/mesh/identity/identity.ts';
import { buildSkew } from '../perf/lib/rpc-programs.ts';
import { loopbackGround, namespaceGround, whyNoNamespaces, type FaultGround } from '../support/fault-ground.ts';
import { FaultMesh, type FaultNode } from '../support/fault-mesh.ts';
import { readdress } from '../support/network.ts';

// Nodes in processes of their own, each with all others as members, that gossip and keep a stream open to each other all the time. After
// each fault they must become one again by themselves: everybody hears everybody, and a frame goes round every stream.

const lacks = process.env['OMNINODE_TEST_LOOPBACK'] === undefined ? await whyNoNamespaces() : 'OMNINODE_TEST_LOOPBACK is set';
if (lacks !== undefined) console.warn(`faults of the mesh on the loopback, where no packet is lost and no address changes; no network namespaces: ${lacks}`);
const groundOf = (hosts: number, options?: { readonly isLossy: boolean }): Promise<FaultGround> => (lacks === undefined ? namespaceGround(hosts, options) : loopbackGround(hosts));

// How long a lost connection is believed in (LIVENESS_INTERVAL_MS + LIVENESS_TIMEOUT_MS), and what coming back takes, both several times over.
const LONG_MS = 150_000;
const BESIDE = { timeout: 4 * LONG_MS, concurrent: true };

interface Started {
  readonly ground: FaultGround;
  readonly mesh: FaultMesh;
  readonly nodes: readonly FaultNode[];
}

interface StartOptions {
  /** Tests run beside each other, so each says itself what is to be done at its end. */
  readonly test: TestContext;
  /** What a node is started through. */
  readonly prefix?: (index: number) => readonly string[];
}

async function start(ground: FaultGround, { test: { onTestFinished }, prefix = () => [] }: StartOptions): Promise<Started> {
  const [mesh, home] = [new FaultMesh(), await mkdtemp(join(tmpdir(), 'omninode-faults-'))];
  onTestFinished(async () => {
    mesh.kill();
    ground.stop();
    await rm(home, { recursive: true });
  });
  const ids = await Promise.all(ground.hosts.map(async (_, i) => {
    const [own, path] = [join(home, String(i)), join(home, `${i}.key`)];
    await mkdir(own);
    return { own, path, peer: peerIdFromPrivateKey(await loadIdentity({ kind: 'file', path })).toString() };
  }));
  const membersOf = (from: number): string[] => ids.flatMap(({ peer }, to) => (to === from ? [] : [`${ground.address(from, to)}/p2p/${peer}`]));
  const nodes = await Promise.all(ground.hosts.map((host, i) =>
    mesh.start({ ...host, prefix: [...host.prefix, ...prefix(i)] }, { name: `node${i}`, listen: [ground.listen(i)], members: membersOf(i), home: ids[i]!.own, identityPath: ids[i]!.path })));
  return { ground, mesh, nodes };
}

const knows = (node: FaultNode, others: readonly FaultNode[]): boolean => node.connected.size === others.length && others.every(({ peer }) => node.connected.has(peer as PeerId));

/** Nothing came back wrong, and nothing keeps any of them alive: no handle, no rejection that nobody handled. */
async function endsWell({ mesh }: Started): Promise<void> {
  expect(mesh.nodes.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(new Set(await mesh.stop())).toEqual(new Set([0]));
}

test('a mesh in two parts notices it, goes on in each, and is one again after', BESIDE, async (context) => {
  const started = await start(await groundOf(4), { test: context });
  const { ground, mesh, nodes: [a, b, c, d] } = started;
  await mesh.isOne(LONG_MS);
  ground.split([0, 1], [2, 3]);
  const parts = [[a!, b!], [c!, d!]] as const;
  await mesh.until(() => parts.every(([one, other]) => knows(one, [other]) && knows(other, [one])), { timeoutMs: LONG_MS });
  // Long enough that dials over the border were given up.
  await Promise.all(mesh.nodes.map((node) => node.said('unreached')));
  for (const part of parts) await mesh.isOne(LONG_MS, () => part);
  ground.join();
  await mesh.isOne(LONG_MS);
  await endsWell(started);
});

test('nodes find each other and stay one where 30 % of all packets are lost', BESIDE, async (context) => {
  const ground = await groundOf(4, { isLossy: true });
  await ground.lose(30);
  const started = await start(ground, { test: context });
  for (let round = 0; round < 3; round++) await started.mesh.isOne(2 * LONG_MS);
  await ground.lose(0);
  await endsWell(started);
});

test('a node whose address changes is found again, under the new one', { ...BESIDE, skip: lacks !== undefined }, async (context) => {
  const started = await start(await groundOf(3), { test: context });
  const { ground, mesh, nodes } = started;
  await mesh.isOne(LONG_MS);
  const { address } = readdress(ground.hosts[2]!, 99);
  await mesh.isOne(LONG_MS);
  expect(await nodes[2]!.ownAddresses()).toContainEqual(expect.stringContaining(`/ip4/${address}/`));
  await endsWell(started);
});

test('clocks that are hours off, or are set while a node runs, change nothing', { ...BESIDE, skip: process.platform !== 'linux' }, async (context) => {
  const [library, folder] = [await buildSkew(), await mkdtemp(join(tmpdir(), 'omninode-skew-'))];
  context.onTestFinished(() => rm(folder, { recursive: true }));
  const file = (index: number): string => join(folder, String(index));
  const set = (index: number, hours: number): Promise<void> => writeFile(file(index), new BigInt64Array([BigInt(hours * 3600)]), { flag: 'r+' });
  for (const index of [0, 1, 2]) await writeFile(file(index), new BigInt64Array(1));
  await Promise.all([set(1, 5), set(2, -5)]);
  const started = await start(await loopbackGround(3), { test: context, prefix: (index) => ['env', `LD_PRELOAD=${library}`, `SKEW_FILE=${file(index)}`] });
  const { mesh, nodes } = started;
  await mesh.isOne(LONG_MS);
  const wrongMs = await Promise.all(nodes.map(async (node) => (await node.clock()) - Date.now()));
  expect(wrongMs.map((ms) => Math.round(ms / 3_600_000) | 0)).toEqual([0, 5, -5]);
  // Each is set right, and the right one wrong; then all over again.
  await Promise.all([set(0, -9), set(1, 0), set(2, 0)]);
  await mesh.isOne(LONG_MS);
  await Promise.all([set(0, 9), set(1, -1)]);
  await mesh.isOne(LONG_MS);
  await endsWell(started);
});
