import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { appPaths, createNode, loadSettings, type Node } from '../../src-main/host/index.ts';
import { CliRuns, type Listening } from '../support/cli.ts';

let folder = '';
const nodes: Node[] = [];
const runs = new CliRuns();
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-meet-')); });
afterEach(async () => {
  await runs.stop();
  for (const node of nodes.splice(0).reverse()) await node.stop();
});
afterAll(() => rm(folder, { recursive: true }));

async function member(name: string, peers: readonly string[] = []): Promise<Node> {
  const node = await createNode({ settings: await loadSettings({ home: join(folder, name), peers, dht: false }, {}), paths: appPaths(), shards: [], identity: 'file' });
  nodes.push(node);
  await node.start();
  return node;
}
const addressOf = (node: Node): string => node.mesh.addresses()[0] ?? '';
const home = (): string => join(folder, 'restarted');
const bookPath = (): string => join(home(), 'peers.json');
/** The command, as its owner starts it; its peer id. */
const listen = (...args: string[]): Promise<Listening> => runs.listen(['--home', home(), ...args], { OMNINODE_SHARE_STORE: '0' });
const met = (node: Node, peer: string): Promise<unknown> => vi.waitFor(() => expect(node.mesh.peers().map((one) => one.peer)).toContain(peer), { timeout: 30_000, interval: 20 });
const gone = (node: Node, peer: string): Promise<unknown> => vi.waitFor(() => expect(node.mesh.peers().map((one) => one.peer)).not.toContain(peer), { timeout: 30_000, interval: 20 });

/** What is on the disk, whole at any moment. */
const inBook = (known: readonly Node[]): Promise<void> => vi.waitFor(async () => {
  const { peers } = JSON.parse(await readFile(bookPath(), 'utf8')) as { peers: { peer: string }[] };
  expect(peers.map(({ peer }) => peer).sort()).toEqual(known.map(({ mesh }) => mesh.peerId).sort());
}, { timeout: 30_000, interval: 50 });

it('a node that was killed finds by itself, when it is started again, all that it knew', async () => {
  const first = await member('first');
  const all = [first, await member('second', [addressOf(first)]), await member('third', [addressOf(first)])];
  const before = await listen('--peer', addressOf(first));
  await Promise.all(all.map((node) => met(node, before.peer)));
  await inBook(all);
  before.cli.child.kill('SIGKILL');
  await before.cli.done;
  await Promise.all(all.map((node) => gone(node, before.peer)));
  // Nobody dials it: it has another port now. It is the one that remembers.
  const after = await listen();
  expect(after.peer).toBe(before.peer);
  await Promise.all(all.map((node) => met(node, after.peer)));
});

it('a damaged address book is set aside with a line, and the node starts', async () => {
  await writeFile(bookPath(), '{"version":1,"peers":[{"peer":');
  const one = await member('one');
  const { cli, peer } = await listen('--peer', addressOf(one));
  await met(one, peer);
  await inBook([one]);
  expect(existsSync(`${bookPath()}.damaged`)).toBe(true);
  cli.child.kill('SIGTERM');
  const { code, stderr } = await cli.done;
  expect(code).toBe(0);
  expect(stderr).toContain('the address book cannot be used and was set aside');
});
