import { afterEach, beforeEach, expect, test } from 'vitest';
import { noMetrics, silentLogger, type PeerId } from '../../src-main/base/index.ts';
import { Presence } from '../../src-main/mesh/capability/index.ts';
import { open, seal } from '../../src-main/mesh/capability/message.ts';
import { CAPABILITY_TOPIC } from '../../src-main/mesh/capability/options.ts';
import { SimNode } from './sim-node.ts';
import { profileOf } from './sim-profile.ts';
import { VirtualTime } from './virtual-time.ts';

// As in a mesh of a thousand nodes: nobody is missed for being silent in less than two minutes. All times are virtual.
const RARELY = { beatMs: 90_000 };
const GONE_IN_TIME_MS = 15_000;
const LINKS = { latencyMs: { min: 5, max: 75 }, jitterMs: 20, loss: 0.01 };
const NODES = 8;
const SECONDS = 20;

interface Member {
  readonly node: SimNode;
  readonly presence: Presence;
}
let time: VirtualTime;
let members: Member[];
/** Who left, at whom. */
let left: { readonly peer: PeerId; readonly at: SimNode }[];

const nodeOf = (index: number): Promise<SimNode> => SimNode.create({ time, links: LINKS, index });

/** Each with the next and the one after that; all know all. */
async function ring(): Promise<void> {
  for (let index = 0; index < NODES; index++) {
    const node = await nodeOf(index);
    const presence = new Presence({ mesh: node, clock: time, logger: silentLogger, metrics: noMetrics, profile: () => profileOf(node, index), times: RARELY });
    presence.events.on('peer:left', ({ peer }) => left.push({ peer, at: node }));
    await node.start();
    members.push({ node, presence });
    await presence.start();
  }
  for (const [index, { node }] of members.entries()) for (const step of [1, 2]) node.connect(members[(index + step) % NODES]!.node);
  await until(() => members.every(({ presence }) => presence.members().length === NODES - 1), 120_000);
}
async function until(holds: () => boolean, forMs: number): Promise<void> {
  expect(await time.run({ forMs, holds })).toBe(true);
}
const isGoneForAll = (peer: PeerId): boolean => members.every(({ node, presence }) => node.peerId === peer || presence.member(peer) === undefined);

beforeEach(async () => {
  time = new VirtualTime({ seed: 7 });
  time.install();
  [members, left] = [[], []];
  await ring();
});
afterEach(() => time.uninstall());

test('who is killed is gone for all in time, however rarely nodes beat', { timeout: 120_000 }, async () => {
  const [{ node, presence }] = members.splice(3, 1) as [Member];
  void node.stop().then(() => presence.stop());
  await until(() => isGoneForAll(node.peerId), GONE_IN_TIME_MS);
  expect(new Set(left.map(({ peer }) => peer))).toEqual(new Set([node.peerId]));
});

test('so is who froze, and it is back when it goes on', { timeout: 120_000 }, async () => {
  const { node } = members[3]!;
  const thaw = node.freeze();
  await until(() => isGoneForAll(node.peerId), GONE_IN_TIME_MS);
  expect(left.filter(({ at }) => at !== node).every(({ peer }) => peer === node.peerId)).toBe(true);
  thaw();
  await until(() => members.every(({ presence }) => presence.members().length === NODES - 1), 2 * RARELY.beatMs);
});

/** A node and all whom it is connected to. */
const withNeighbours = (index: number): Member[] => [index - 2, index - 1, index, index + 1, index + 2].map((at) => members[at]!);
async function untilGone(lost: readonly Member[]): Promise<void> {
  const others = members.filter((member) => !lost.includes(member));
  await until(() => others.every(({ presence }) => lost.every(({ node }) => presence.member(node.peerId) === undefined)), GONE_IN_TIME_MS);
  // None of those who are there was given up on the way.
  expect(left.filter(({ at, peer }) => others.some(({ node }) => node === at) && others.some(({ node }) => node.peerId === peer))).toEqual([]);
}

test('so is who is killed together with all its neighbours', { timeout: 120_000 }, async () => {
  const lost = withNeighbours(3);
  for (const { node, presence } of lost) void node.stop().then(() => presence.stop());
  await untilGone(lost);
});

test('so is who freezes together with all its neighbours', { timeout: 120_000 }, async () => {
  const lost = withNeighbours(3);
  for (const { node } of lost) node.freeze();
  await untilGone(lost);
});

test('who has other neighbours than it told of is not lost with these', { timeout: 120_000 }, async () => {
  const [, , stays] = withNeighbours(3) as [Member, Member, Member];
  for (const index of [6, 7]) stays.node.connect(members[index]!.node);
  await time.run({ forMs: 5_000 });
  const lost = withNeighbours(3).filter((member) => member !== stays);
  const doubted: PeerId[] = [];
  for (const index of [0, 6, 7]) {
    members[index]!.node.events.on('topic:message', ({ data }) => {
      const { message } = open(data);
      if (message.kind === 'alive') doubted.push(...(message.lost ?? []).map(({ peer }) => peer));
    });
  }
  for (const { node, presence } of lost) void node.stop().then(() => presence.stop());
  await untilGone(lost);
  await time.run({ forMs: 60_000 });
  expect(left.filter(({ peer }) => peer === stays.node.peerId)).toEqual([]);
  // It was asked for, and not by all.
  const times = doubted.filter((peer) => peer === stays.node.peerId).length;
  expect([times > 0, times <= 3 * 2]).toEqual([true, true]);
});

test('who lost a connection only is not lost', { timeout: 120_000 }, async () => {
  const [a, b] = [members[0]!.node, members[1]!.node];
  a.disconnect(b);
  await time.run({ forMs: 60_000 });
  expect(left).toEqual([]);
});

test.each([['by a neighbour of before', 4], ['by another', 6]])('who was cut off from all is back as soon as it is met again, %s', { timeout: 120_000 }, async (_, by) => {
  const { node } = members[3]!;
  const neighbours = node.peers().map(({ peer }) => members.find((other) => other.node.peerId === peer)!.node);
  for (const neighbour of neighbours) node.disconnect(neighbour);
  await until(() => isGoneForAll(node.peerId), GONE_IN_TIME_MS);
  node.connect(members[by]!.node);
  await until(() => members.every((other) => other.node === node || other.presence.member(node.peerId) !== undefined), 8_000);
});

test.each([['what it last said', 0], ['what it never said', 1e9]])('a liar makes nobody leave: it says that all are lost since %s, again and again', { timeout: 120_000 }, async (_, aheadSeq) => {
  const liar = await nodeOf(NODES);
  await liar.start();
  for (const { node } of members.slice(0, 3)) liar.connect(node);
  await time.run({ forMs: 5_000 });
  const run = time.now();
  const before = members.map(({ node }) => node.traffic.get('/meshsub/1.2.0')!.frames);
  for (let seq = 1; seq <= SECONDS; seq++) {
    const lost = members.flatMap(({ node, presence }) => {
      const seen = members.find((other) => other.presence !== presence)!.presence.member(node.peerId);
      return seen === undefined ? [] : [{ peer: node.peerId, run: seen.startedAt, seq: aheadSeq + seq }];
    });
    const { bytes } = await seal({ kind: 'alive', ad: 1, lost, peer: liar.peerId, run, seq, at: time.now(), ttlMs: 60_000 }, liar.signer);
    await liar.publish(CAPABILITY_TOPIC, bytes);
    await time.run({ forMs: 1_000 });
  }
  await time.run({ forMs: 10_000 });
  expect(left).toEqual([]);
  // Everybody answers once a second at most, and no liar is heard as often as it speaks: else each would answer every second.
  const frames = members.map(({ node }, i) => node.traffic.get('/meshsub/1.2.0')!.frames - before[i]!);
  expect(Math.max(...frames)).toBeLessThan(SECONDS * NODES * 12);
});
