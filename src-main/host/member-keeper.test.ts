import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '../base/index.ts';
import { addressOf, TestNodes } from '../mesh/testing/nodes.ts';
import { MemberKeeper } from './member-keeper.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());
const inTime = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(20_000) });

it('dials who was named, and again who was lost; who is not there stops nobody', async () => {
  const [near, far] = [await nodes.start(), await nodes.start()];
  const dead = `/ip4/127.0.0.1/tcp/1/p2p/${(await nodes.start()).peerId}`;
  const keeper = new MemberKeeper({ mesh: near, members: [dead, addressOf(far)], logger: silentLogger });
  const met = far.events.once('peer:connect', inTime());
  await keeper.start();
  expect(await met).toEqual({ peer: near.peerId });
  const again = far.events.once('peer:connect', inTime());
  await far.hangUp(near.peerId);
  expect(await again).toEqual({ peer: near.peerId });
  await keeper.stop();
  const lost = near.events.once('peer:disconnect', inTime());
  await far.hangUp(near.peerId);
  await lost;
  expect(near.peers()).toEqual([]);
});
