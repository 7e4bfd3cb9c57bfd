import { randomBytes } from 'node:crypto';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { afterEach, expect, it, vi } from 'vitest';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import type { Mesh, ProviderRecord } from '../types.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());
const inTime = (): AbortSignal => AbortSignal.timeout(20_000);

const RAW = 0x55;
const BLAKE3 = 0x1e;
const SHA2 = 0x12;
const cidOf = (hash = BLAKE3): string => CID.createV1(RAW, create(hash, randomBytes(32))).toString();

async function found(mesh: Mesh, cid: string, signal = inTime()): Promise<ProviderRecord[]> {
  const all: ProviderRecord[] = [];
  for await (const record of mesh.records!.find(cid, signal)) all.push(record);
  return all;
}

it('who provides a BLAKE3 CID is found over nodes between, by one who only asks', async () => {
  const [a, b, c] = [await nodes.start({ dht: true }), await nodes.start({ dht: true }), await nodes.start({ dht: true })];
  const asker = await nodes.start({ dht: true, listen: [] });
  await a.dial(addressOf(b));
  await c.dial(addressOf(b));
  expect([a, b, c, asker].map(({ records }) => records?.mode)).toEqual(['server', 'server', 'server', 'client']);
  for (const cid of [cidOf(), cidOf(SHA2)]) {
    // A learns of C, which it is not connected to, from B.
    await vi.waitFor(async () => expect(await a.records!.provide(cid, inTime())).toBe(2), { timeout: 15_000 });
    if (asker.peers().length === 0) await asker.dial(addressOf(c));
    expect(await found(asker, cid)).toEqual([{ peer: a.peerId, addresses: [addressOf(a)] }]);
  }
  expect(await found(asker, cidOf())).toEqual([]);
});

it('a question with nobody to ask ends with its signal, without an error', async () => {
  const alone = await nodes.start({ dht: true });
  const calledOff = new AbortController();
  const asking = found(alone, cidOf(), calledOff.signal);
  const providing = alone.records!.provide(cidOf(), calledOff.signal);
  calledOff.abort();
  expect(await asking).toEqual([]);
  expect(await providing).toBe(0);
});

it('a node without it has none, and is not asked', async () => {
  const { near, far } = await nodes.pair();
  expect([near.records, far.records]).toEqual([undefined, undefined]);
  const member = await nodes.start({ dht: true });
  await member.dial(addressOf(far));
  expect(await member.records!.provide(cidOf(), AbortSignal.timeout(500))).toBe(0);
});
