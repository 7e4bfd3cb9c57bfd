import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { asPeerId, silentLogger, systemClock, type PeerId } from '../../base/index.ts';
import { PEERS_LIMITS, PEERS_PROTOCOL, PEERS_RATE } from '../protocols/peers/constants.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import type { FrameStream, Mesh } from '../types.ts';
import { AddressBook } from './address-book.ts';
import { BookFile } from './book-file.ts';
import { Discovery, peekIntoHome, type DiscoveryOptions } from './discovery.ts';
import { MAX_CANDIDATES_PER_TELLER, TARGET_PEERS } from './options.ts';

interface Member {
  readonly mesh: Mesh;
  readonly discovery: Discovery;
}

const nodes = new TestNodes();
const running: Discovery[] = [];
let folder = '';
let homes = 0;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-discovery-')); });
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await nodes.stop();
  await rm(folder, { recursive: true });
});

const newHome = (): string => join(folder, String((homes += 1)));
async function discover(mesh: Mesh, options: Partial<DiscoveryOptions> = {}): Promise<Discovery> {
  const discovery = new Discovery({ home: newHome(), members: [], ...options }, { mesh, logger: silentLogger, clock: systemClock });
  await discovery.start();
  running.push(discovery);
  return discovery;
}
async function member(options?: Partial<DiscoveryOptions>): Promise<Member> {
  const mesh = await nodes.start();
  return { mesh, discovery: await discover(mesh, options) };
}
/** Resolves when the mesh is connected to all of them. */
async function connected(mesh: Mesh, peers: readonly PeerId[]): Promise<void> {
  const isThere = (): boolean => peers.every((peer) => mesh.peers().some((one) => one.peer === peer));
  if (!isThere()) await mesh.events.once('peer:connect', { accept: isThere, signal: AbortSignal.timeout(30_000) });
}
/** Resolves when the mesh was told where the peer is. */
const known = ({ discovery }: Pick<Member, 'discovery'>, peer: PeerId): Promise<void> => vi.waitFor(() => expect(discovery.book.get(peer)).toBeDefined(), { timeout: 20_000, interval: 5 });

test('five nodes know each other through one', async () => {
  const first = await member();
  const others = await Promise.all([1, 2, 3, 4].map(() => member({ members: [addressOf(first.mesh)] })));
  const all = [first, ...others];
  await Promise.all(all.map(({ mesh }) => connected(mesh, all.filter((one) => one.mesh !== mesh).map((one) => one.mesh.peerId))));
  for (const { mesh, discovery } of all) expect(discovery.candidates.isTrusted(mesh.peerId)).toBe(true);
});

test('two that are reached through a relay alone meet there, by the word of the relay', async () => {
  const relay = await nodes.start({ relayServer: { isMember: () => true } });
  await discover(relay);
  const [one, other] = await Promise.all([1, 2].map(async () => {
    const mesh = await nodes.create({ listen: [`${addressOf(relay)}/p2p-circuit`] });
    // They are at the relay as soon as they run, and introduce themselves once.
    const discovery = await discover(mesh, { members: [addressOf(relay)] });
    await nodes.run(mesh);
    return { mesh, discovery };
  }));
  await connected(one!.mesh, [relay.peerId, other!.mesh.peerId]);
  expect(one!.mesh.peers()).toContainEqual(expect.objectContaining({ peer: other!.mesh.peerId, route: 'relayed' }));
  await Promise.all([known(one!, other!.mesh.peerId), known(other!, one!.mesh.peerId)]);
  // What begins at the relay is not where they are: neither vouches for an address of the other's there.
  const proofs = [one!, other!].flatMap(({ discovery }, i) => discovery.book.get([other!, one!][i]!.mesh.peerId)?.addresses ?? []).map(({ proof }) => proof);
  expect(proofs).not.toContain('vouched');
});

test('after a restart without any name, the members of before are met again; the best of them first', async () => {
  const home = newHome();
  const far = [await member(), await member(), await member()];
  const mesh = await nodes.start();
  const before = await discover(mesh, { home, members: far.map((one) => addressOf(one.mesh)) });
  await connected(mesh, far.map((one) => one.mesh.peerId));
  await Promise.all(far.map((one) => known({ discovery: before }, one.mesh.peerId)));
  await before.stop();
  await mesh.stop();
  const again = await nodes.start();
  await discover(again, { home, exchange: false });
  await connected(again, far.map((one) => one.mesh.peerId));
});

test('no more are dialled than wanted; those that were named always are', async () => {
  const far = [await member(), await member(), await member()];
  const [near, named] = [await nodes.start(), far.map((one) => addressOf(one.mesh))];
  const discovery = await discover(near, { members: named.slice(0, 2), targetPeers: 1 });
  await connected(near, far.slice(0, 2).map((one) => one.mesh.peerId));
  discovery.candidates.add({ peer: far[2]!.mesh.peerId, addresses: [named[2]!], teller: undefined });
  await near.ping(far[0]!.mesh.peerId);
  expect(near.peers()).toHaveLength(2);
  const met = far[2]!.mesh.events.once('peer:connect');
  discovery.addMember(named[2]!);
  expect(await met).toEqual({ peer: near.peerId });
});

test('a dead member stops nobody, and a lost one is dialled again', async () => {
  const far = await member();
  const dead = `/ip4/127.0.0.1/tcp/1/p2p/${(await nodes.start()).peerId}`;
  const near = await member({ members: [dead, addressOf(far.mesh)] });
  await connected(near.mesh, [far.mesh.peerId]);
  const again = far.mesh.events.once('peer:connect');
  await far.mesh.hangUp(near.mesh.peerId);
  expect(await again).toEqual({ peer: near.mesh.peerId });
});

test('hosts that take a connection and say nothing do not hold up those after them', async () => {
  const home = newHome();
  const silent = new Set<Socket>();
  const server = createServer((socket) => void silent.add(socket.on('close', () => silent.delete(socket)).on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = await member();
  const book = new AddressBook(systemClock, () => file.touch());
  const file: BookFile = new BookFile(join(home, 'peers.json'), { logger: silentLogger, content: () => book.content() });
  book.reached(far.mesh.peerId, addressOf(far.mesh));
  book.missed(far.mesh.peerId);
  for (let i = 0; i < TARGET_PEERS; i += 1) {
    const peer = await newPeer();
    book.reached(peer, `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/p2p/${peer}`);
  }
  expect(book.best().at(-1)?.peer).toBe(far.mesh.peerId);
  await file.flush();
  const near = await nodes.start();
  await discover(near, { home });
  await connected(near, [far.mesh.peerId]);
  expect(silent.size).toBe(TARGET_PEERS);
  for (const socket of silent) socket.destroy();
  server.close();
});

test('what mDNS found is dialled by who wants it, whatever else it says', async () => {
  const far = await member();
  const [willing, other] = [await member({ mdns: true }), await member()];
  for (const { mesh } of [willing, other]) mesh.events.emit('peer:discovered', { peer: far.mesh.peerId, addresses: ['nonsense', addressOf(far.mesh)] });
  await connected(willing.mesh, [far.mesh.peerId]);
  expect(other.mesh.peers()).toEqual([]);
});

test('where one of the book is reached is noted with the connection, whether it introduces itself or not', async () => {
  const [near, far] = [await nodes.start({ listen: [] }), await nodes.start()];
  const [{ book }, address] = [await discover(near, { targetPeers: 0 }), addressOf(far)];
  book.told(far.peerId, [{ address, proof: 'vouched' }]);
  book.missedAt(far.peerId, address);
  await near.dial(address);
  expect(book.get(far.peerId)?.addresses).toEqual([{ address, proof: 'dialled', failures: 0 }]);
});

test('a passing process is in nobody’s book', async () => {
  const home = await member();
  const passing = await nodes.start();
  await passing.dial(addressOf(home.mesh));
  await home.mesh.events.once('peer:identify', { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  expect(home.mesh.peers()).toHaveLength(1);
  expect(home.discovery.book.size).toBe(0);
});

const answered = (text: string) => async (stream: FrameStream): Promise<void> => {
  await stream[Symbol.asyncIterator]().next();
  await stream.send(Buffer.from(text));
  await stream.close();
};
async function meetLiar(answer: (stream: FrameStream) => Promise<void>): Promise<{ victim: Member; liar: Mesh }> {
  const [victim, liar] = [await member(), await nodes.start()];
  const asked = Promise.withResolvers<void>();
  await liar.handle(PEERS_PROTOCOL, PEERS_LIMITS, (stream) => void answer(stream).catch(() => undefined).then(asked.resolve));
  await liar.dial(addressOf(victim.mesh));
  await asked.promise;
  await liar.ping(victim.mesh.peerId);
  return { victim, liar };
}
const newPeer = async (): Promise<PeerId> => asPeerId((await generateKeyPair('Ed25519')).publicKey.toString());
const list = (peers: readonly { peer: string; addresses: readonly string[] }[], addresses: readonly string[] = []): string => JSON.stringify({ version: 1, addresses, peers });

test.each([
  ['no JSON', '{'], ['another shape', '{"version":1}'], ['another version', list([]).replace('1', '2')], ['ten thousand addresses', list([{ peer: 'a', addresses: Array.from({ length: 10_000 }, () => '/ip4/1.2.3.4/tcp/1') }])],
  ['ten thousand peers', list(Array.from({ length: 1000 }, (_, i) => ({ peer: `a${i}`, addresses: ['/a'] })))], ['more than fits a frame', 'x'.repeat(60_000)], ['peers that are none', list([{ peer: '../../x', addresses: ['/a'] }])],
])('an exchanger that answers with %s is not heard, and stays a peer', async (_what, text) => {
  const { victim, liar } = await meetLiar(answered(text));
  expect(victim.discovery.candidates.size).toBe(0);
  expect(victim.mesh.peers()).toMatchObject([{ peer: liar.peerId }]);
});

test('of addresses that are nowhere, of nobody, out of reach or the victim’s own, none is kept', async () => {
  const { victim } = await meetLiar(async (stream) => {
    const [a, b, c, d, own] = [await newPeer(), await newPeer(), await newPeer(), await newPeer(), stream.peer];
    await answered(list([
      { peer: a, addresses: [`/ip4/0.0.0.0/tcp/1/p2p/${a}`, `/dns4/victim.example/tcp/80/p2p/${a}`] }, { peer: b, addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${a}`] },
      { peer: c, addresses: ['/nonsense', '/ip4/127.0.0.1/tcp/1'] }, { peer: d, addresses: [`/ip4/224.0.0.1/udp/1/p2p/${d}`] }, { peer: own, addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${own}`] },
    ]))(stream);
  });
  expect(victim.discovery.candidates.size).toBe(0);
  expect(victim.discovery.book.size).toBe(0);
});

test('a liar’s peers cost a bounded number of tries; then it is not listened to, and the honest one is', async () => {
  const told = await Promise.all(Array.from({ length: 32 }, newPeer));
  const { victim, liar } = await meetLiar(answered(list(told.map((peer, i) => ({ peer, addresses: [`/ip4/127.0.0.1/tcp/${i + 2}/p2p/${peer}`] })))));
  expect(victim.discovery.candidates.size).toBeLessThanOrEqual(MAX_CANDIDATES_PER_TELLER);
  await vi.waitFor(() => expect(victim.discovery.candidates.isTrusted(liar.peerId)).toBe(false), { timeout: 20_000, interval: 5 });
  expect(victim.discovery.candidates.size).toBe(0);
  const [honest, third] = [await member(), await member()];
  await third.mesh.dial(addressOf(honest.mesh));
  await known(honest, third.mesh.peerId);
  await honest.mesh.dial(addressOf(victim.mesh));
  await connected(victim.mesh, [third.mesh.peerId]);
});

test('who asks too often, or nonsense, loses its stream and nothing else', async () => {
  const victim = await member();
  const rogue = await nodes.start();
  await rogue.dial(addressOf(victim.mesh));
  const ask = async (text: string): Promise<string> => {
    const stream = await rogue.open(victim.mesh.peerId, PEERS_PROTOCOL, { limits: PEERS_LIMITS });
    await stream.send(Buffer.from(text));
    const { value, done } = await stream[Symbol.asyncIterator]().next().catch((error: { code: string }) => ({ value: error.code, done: false }));
    void stream.close();
    return done === true ? 'nothing' : String(value);
  };
  expect(await ask('{"version":9}')).toBe('MESH_STREAM_CLOSED_BY_PEER');
  for (let i = 1; i < PEERS_RATE.burst; i += 1) expect(await ask(list([]))).toContain('"peers":[]');
  expect(await ask(list([]))).toBe('MESH_STREAM_CLOSED_BY_PEER');
  expect(rogue.peers()).toHaveLength(1);
});

test('nobody can have others dial a third: only where a peer was reached, or came from, is passed on', async () => {
  const teller = await member();
  const odd = await nodes.start();
  const elsewhere = `/ip4/10.9.8.7/tcp/1/p2p/${odd.peerId}`;
  await odd.handle(PEERS_PROTOCOL, PEERS_LIMITS, (stream) => void answered(list([], [elsewhere, addressOf(odd)]))(stream).catch(() => undefined));
  await odd.dial(addressOf(teller.mesh));
  await known(teller, odd.peerId);
  expect(teller.discovery.book.get(odd.peerId)?.addresses.map(({ proof }) => proof).sort()).toEqual(['said', 'vouched']);
  const asker = await nodes.start();
  await asker.dial(addressOf(teller.mesh));
  const stream = await asker.open(teller.mesh.peerId, PEERS_PROTOCOL, { limits: PEERS_LIMITS });
  await stream.send(Buffer.from(list([])));
  const { value } = await stream[Symbol.asyncIterator]().next();
  expect(JSON.parse(Buffer.from(value as Uint8Array).toString())).toMatchObject({ addresses: [...teller.mesh.addresses()], peers: [{ peer: odd.peerId, addresses: [addressOf(odd)] }] });
});

test('says of each that it knows whether it is there, or why not and since when; asked, it tries again at once', async () => {
  const [far, other] = [await member(), await nodes.start()];
  const [near, gone] = [await nodes.start(), addressOf(other)];
  await other.stop();
  const discovery = await discover(near, { members: [addressOf(far.mesh), gone] });
  await connected(near, [far.mesh.peerId]);
  const first = await discovery.check(AbortSignal.timeout(30_000));
  expect(first).toMatchObject([
    { peer: far.mesh.peerId, isNamed: true, isConnected: true },
    { peer: other.peerId, isNamed: true, isConnected: false, addresses: [gone], missed: { error: { code: 'MESH_DIAL_FAILED', meta: { reason: 'refused' } } } },
  ]);
  const again = await discovery.check(AbortSignal.timeout(30_000));
  expect(again[1]?.missed?.since).toBe(first[1]?.missed?.since);
  expect(again[1]!.missed!.at).toBeGreaterThanOrEqual(first[1]!.missed!.at);
  // Who came to us is known too, though nobody could dial it.
  const came = await nodes.start({ listen: [] });
  await discover(came, { members: [addressOf(near)] });
  await vi.waitFor(() => expect(discovery.known()).toContainEqual(expect.objectContaining({ peer: came.peerId, isConnected: true, isNamed: false })), { timeout: 20_000 });
});

test('a book is looked at without a node, best first; one that cannot be read is empty, and stays', async () => {
  const home = newHome();
  const far = await member();
  const mesh = await nodes.start();
  const before = await discover(mesh, { home, members: [addressOf(far.mesh)] });
  await known({ discovery: before }, far.mesh.peerId);
  await before.stop();
  expect(await peekIntoHome(home, systemClock)).toMatchObject([{ peer: far.mesh.peerId, addresses: [{ address: addressOf(far.mesh), proof: 'dialled' }] }]);
  const path = join(home, 'peers.json');
  await writeFile(path, '{"version":1');
  expect(await peekIntoHome(home, systemClock)).toEqual([]);
  expect(await readFile(path, 'utf8')).toBe('{"version":1');
});
