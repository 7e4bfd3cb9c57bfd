import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger, systemClock, noMetrics, type Clock } from '../../base/index.ts';
import { CAPABILITY_PROTOCOL } from '../protocols/capability/constants.ts';
import { profileOf } from '../testing/capability.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import type { Mesh } from '../types.ts';
import type { Member } from './directory.ts';
import type { AnnouncerTimes } from './announcer.ts';
import { askClock } from './ask-clock.ts';
import { Presence } from './presence.ts';
import type { Profile } from './profile.ts';

const nodes = new TestNodes();
const running: Presence[] = [];
const inTime = (): AbortSignal => AbortSignal.timeout(20_000);

interface Peer {
  readonly mesh: Mesh;
  readonly presence: Presence;
  profile: Profile;
}

async function start(name: string, times?: Partial<AnnouncerTimes>, clock: Clock = systemClock): Promise<Peer> {
  const mesh = await nodes.start();
  const peer: Peer = { mesh, profile: profileOf(name), presence: new Presence({ mesh, profile: () => peer.profile, logger: silentLogger, metrics: noMetrics, clock, ...(times === undefined ? {} : { times }) }) };
  running.push(peer.presence);
  await peer.presence.start();
  return peer;
}
const stop = async ({ mesh, presence }: Peer): Promise<void> => {
  await presence.stop();
  await mesh.stop();
};
afterEach(async () => {
  await Promise.all(running.splice(0).map((presence) => presence.stop()));
  await nodes.stop();
});

const namesOf = ({ presence }: Peer): (string | undefined)[] => presence.members().map(({ profile }) => profile.name).toSorted();
async function knows(peer: Peer, ...names: string[]): Promise<void> {
  const all = (): boolean => names.every((name) => namesOf(peer).includes(name));
  if (!all()) await peer.presence.events.once('peer:joined', { accept: all, signal: inTime() });
}
const leaves = (peer: Peer, gone: Peer) => peer.presence.events.once('peer:left', { accept: ({ peer: id }) => id === gone.mesh.peerId, signal: inTime() });
/** One that only the next knows: a - b - c. */
async function line(...names: string[]): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const name of names) {
    const peer = await start(name);
    if (peers.length > 0) await peer.mesh.dial(addressOf(peers.at(-1)!.mesh));
    peers.push(peer);
  }
  await Promise.all(peers.map((peer) => knows(peer, ...names.filter((name) => name !== peer.profile.name))));
  return peers;
}

test('nodes that meet know what the other is', async () => {
  const [a, b] = await line('a', 'b');
  const member: Member | undefined = a!.presence.member(b!.mesh.peerId);
  expect(member).toMatchObject({ peer: b!.mesh.peerId, profile: profileOf('b'), startedAt: b!.presence.self()?.startedAt });
  expect([namesOf(a!), namesOf(b!)]).toEqual([['b'], ['a']]);
});

test('who stops is gone for all, also for those that never were connected to it', async () => {
  const [a, b, c] = await line('a', 'b', 'c');
  expect(namesOf(c!)).toEqual(['a', 'b']);
  const gone = Promise.all([leaves(b!, a!), leaves(c!, a!)]);
  await stop(a!);
  expect((await gone).map(({ why }) => why)).toEqual(['farewell', 'farewell']);
  expect([namesOf(c!), c!.presence.isGone(a!.mesh.peerId)]).toEqual([['b'], true]);
});

test('a farewell counts before the connections are closed', async () => {
  const [a, b] = await line('a', 'b');
  const gone = leaves(b!, a!);
  await a!.presence.stop();
  await gone;
  expect([b!.mesh.peers().length, b!.presence.members()]).toEqual([1, []]);
});

test('what changes is told to all at once', async () => {
  const [a, , c] = await line('a', 'b', 'c');
  const heard = c!.presence.events.once('peer:changed', { accept: ({ peer }) => peer === a!.mesh.peerId, signal: inTime() });
  a!.profile = { ...a!.profile, models: [{ hash: 'abc', name: 'm', totalLayers: 4, held: [[0, 3]], loaded: [[0, 1]] }] };
  await a!.presence.changed();
  expect((await heard).profile.models).toEqual(a!.profile.models);
});

test('a little less memory is not told at once, and with the next ad', async () => {
  const [a, b] = await line('a', 'b');
  const before = a!.presence.self();
  a!.profile = profileOf('a', 7.9e9);
  await a!.presence.changed();
  expect(a!.presence.self()).toEqual(before);
  const heard = b!.presence.events.once('peer:changed', { signal: inTime() });
  a!.profile = profileOf('a', 4e9);
  await a!.presence.changed();
  expect((await heard).profile.machine.ramFreeBytes).toBe(4e9);
});

test('a newcomer learns from one neighbour who is there, and not who was', async () => {
  const [a, b, c] = await line('a', 'b', 'c');
  const gone = leaves(c!, a!);
  await stop(a!);
  await gone;
  const late = await start('late');
  await late.mesh.dial(addressOf(c!.mesh));
  await knows(late, 'b', 'c');
  await knows(b!, 'late');
  expect(namesOf(late)).toEqual(['b', 'c']);
});

test('two meshes that grow together know each other', async () => {
  const [one, two] = [await line('a', 'b'), await line('c', 'd')];
  await one[1]!.mesh.dial(addressOf(two[0]!.mesh));
  await Promise.all([...one, ...two].map((peer) => knows(peer, ...['a', 'b', 'c', 'd'].filter((name) => name !== peer.profile.name))));
});

test('a node that starts again is met anew', async () => {
  const [a, b] = await line('a', 'b');
  const gone = leaves(b!, a!);
  await a!.presence.stop();
  await gone;
  const again = new Presence({ mesh: a!.mesh, profile: () => profileOf('again'), logger: silentLogger, metrics: noMetrics, clock: systemClock });
  running.push(again);
  await again.start();
  await knows(b!, 'again');
  expect(namesOf(b!)).toEqual(['again']);
});

describe('a neighbour without the protocol', () => {
  test('is not asked, and is no member', async () => {
    const [plain, a] = [await nodes.start(), await start('a')];
    const met = a.mesh.events.once('peer:identify');
    await a.mesh.dial(addressOf(plain));
    await met;
    expect([a.mesh.peers()[0]?.protocols.includes(CAPABILITY_PROTOCOL), a.presence.members(), a.presence.isGone(plain.peerId)]).toEqual([false, [], false]);
  });
});

describe('clocks', () => {
  const ahead = (ms: number): Clock => ({ now: () => Date.now() + ms, monotonicMs: () => performance.now() });
  /** In seconds; a busy machine passes messages on late. */
  const near = (ms: number) => ({ asymmetricMatch: (value: unknown) => typeof value === 'number' && Math.abs(value - ms) < 8_000, toString: () => `about ${ms} ms` });
  const clocksOf = ({ presence }: Peer) => presence.clocks();

  test('each sees how far the other is from it, and so does who only passes by', async () => {
    const [here, there] = [await start('here'), await start('there', undefined, ahead(95_000))];
    await here.mesh.dial(addressOf(there.mesh));
    await Promise.all([knows(here, 'there'), knows(there, 'here')]);
    await expect.poll(() => clocksOf(here), { timeout: 20_000 }).toEqual([{ peer: there.mesh.peerId, aheadMs: near(95_000), isTaken: true }]);
    await expect.poll(() => clocksOf(there), { timeout: 20_000 }).toEqual([{ peer: here.mesh.peerId, aheadMs: near(-95_000), isTaken: true }]);
    const passing = await nodes.start({ listen: [] });
    await passing.dial(addressOf(there.mesh));
    expect(await askClock(there.mesh.peerId, { mesh: passing, clock: systemClock, signal: inTime() })).toEqual(near(95_000));
    const silent = await nodes.start();
    await passing.dial(addressOf(silent));
    await expect(askClock(silent.peerId, { mesh: passing, clock: systemClock, signal: inTime() })).rejects.toMatchObject({ code: 'MESH_PROTOCOL_UNSUPPORTED' });
  });

  test('one that is hours off is no member, and is known to be off while it is connected', async () => {
    const [here, there] = [await start('here'), await start('there', undefined, ahead(-7_200_000))];
    await here.mesh.dial(addressOf(there.mesh));
    await expect.poll(() => clocksOf(here), { timeout: 20_000 }).toEqual([{ peer: there.mesh.peerId, aheadMs: near(-7_200_000), isTaken: false }]);
    expect(namesOf(here)).toEqual([]);
    await here.mesh.hangUp(there.mesh.peerId);
    await expect.poll(() => clocksOf(here), { timeout: 20_000 }).toEqual([]);
  });
});
