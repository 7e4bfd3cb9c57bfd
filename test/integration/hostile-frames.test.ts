import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { appPaths, createNode, loadSettings, shareStore, type Node, type Sharing } from '../../src-main/host/index.ts';
import { loadIdentity } from '../../src-main/mesh/identity/identity.ts';
import { createMeshLibp2p, type MeshLibp2p } from '../../src-main/mesh/node/create-libp2p.ts';
import { addressOf, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { MAX_FAULTS } from '../../src-main/mesh/zone/constants.ts';
import { casesOf } from '../fuzz/cases.ts';
import { mutate } from '../fuzz/mutate.ts';
import { seeded } from '../support/models/index.ts';

/** Streams that each protocol gets. Every peer that misbehaves is given up on after MAX_FAULTS, so that there is a new one for so many. */
const STREAMS = Math.ceil(casesOf(800) / 100);
const nodes = new TestNodes();
const rogues: MeshLibp2p[] = [];
let home = '';
let victim: Node;
let sharing: Sharing;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-hostile-'));
  const settings = await loadSettings({ home, logLevel: 'silent' }, {});
  victim = await createNode({ settings, paths: appPaths(), shards: [], identity: 'file' });
  await victim.start();
  sharing = await shareStore({ config: settings.config, paths: appPaths(), mesh: victim.mesh });
});
afterEach(async () => {
  for (const rogue of rogues.splice(0)) await rogue.stop();
  await nodes.stop();
  await sharing.stop();
  await victim.stop();
  await rm(home, { recursive: true });
});

async function rogueAt(address: string): Promise<MeshLibp2p> {
  const rogue = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'rogue/1' });
  rogues.push(rogue);
  await rogue.start();
  await rogue.dial(multiaddr(address));
  return rogue;
}

const SAMPLES = [
  Buffer.from('{"version":1,"cids":["bafyr4ibgc2aqkbeyffdf26wxyjkghamczgs6jwuacmvd2tjhupblxwtvoi"]}'),
  Buffer.alloc(32, 7), Buffer.alloc(8192, 1), Buffer.concat([Buffer.of(1, 2, 3, 4), Buffer.alloc(60)]),
];

/** Frames whose length is right, too small, too large or absent, around what once was a message. */
function hostileBytes(random: () => number): Buffer {
  const body = mutate(SAMPLES[Math.floor(random() * SAMPLES.length)]!, random);
  const length = Buffer.alloc(4);
  const kind = Math.floor(random() * 4);
  length.writeUInt32LE(kind === 0 ? Math.floor(random() * 2 ** 32) : kind === 1 ? Math.max(0, body.length - 3) : body.length);
  return kind === 3 ? body : Buffer.concat([length, body, length, body]);
}

/** Nobody waits for what becomes of the stream: some protocols would answer only to what they understand. */
function say(stream: Stream, bytes: Uint8Array): void {
  try {
    stream.send(bytes);
    stream.close().catch(() => undefined);
  } catch { /* It was reset before all was said. */ }
}

test.each(['node', 'transfer'] as const)('the %s process keeps serving its peers while each of its protocols gets damaged frames', async (which) => {
  const address = which === 'node' ? addressOf(victim.mesh) : String(sharing.transfer?.addresses[0]);
  const friend = await nodes.start();
  const met = friend.events.once('peer:identify');
  const peer = await friend.dial(address);
  await met;
  const protocols = friend.peers().find((one) => one.peer === peer)?.protocols ?? [];
  expect(protocols.length).toBeGreaterThanOrEqual(which === 'node' ? 6 : 5);
  const random = seeded(which === 'node' ? 11 : 12);
  let said = 0;
  for (const protocol of protocols) {
    for (let done = 0; done < STREAMS;) {
      const rogue = await rogueAt(address);
      for (let i = 0; i < MAX_FAULTS / 2 && done < STREAMS; i++, done++) {
        const stream = await rogue.getConnections()[0]?.newStream(protocol).catch(() => undefined);
        if (stream === undefined) break;
        say(stream, hostileBytes(random));
        said++;
      }
      // A round trip after it: what the bytes would have caused has happened; a rogue that was banned meanwhile has none.
      await rogue.services.identify.identify(rogue.getConnections()[0]!).catch(() => undefined);
      await rogue.stop();
    }
  }
  expect(said).toBeGreaterThanOrEqual((protocols.length * STREAMS) / 2);
  expect(await friend.ping(peer)).toBeGreaterThan(0);
  expect(await friend.bandwidth(peer)).toBeGreaterThan(0);
  expect((await nodes.start().then(async (late) => { await late.dial(address); return late.peers(); }))).toHaveLength(1);
});
