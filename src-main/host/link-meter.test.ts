import { expect, it } from 'vitest';
import { asPeerId, CodedError, ManualClock, type PeerId } from '../base/index.ts';
import type { PeerSummary } from '../mesh/index.ts';
import { LINK_MAX_AGE_MS, LinkMeter } from './link-meter.ts';

const peer = asPeerId('p');
const never = new AbortController().signal;
const coded = (code: string): CodedError => new CodedError({ code, message: code });

interface Way {
  readonly connected?: readonly PeerId[];
  readonly pingMs?: (peer: PeerId) => Promise<number>;
  readonly bandwidth?: () => Promise<number>;
}

function meter({ connected = [peer], pingMs = () => Promise.resolve(5), bandwidth = () => Promise.resolve(1e6) }: Way = {}) {
  const clock = new ManualClock();
  const dialled: string[] = [];
  const peers = (): PeerSummary[] => connected.map((known) => ({ peer: known, address: '', direction: 'outbound', transport: '', route: 'direct', why: '', rttMs: undefined, agent: undefined, protocols: [] }));
  const dial = (address: string): Promise<PeerId> => { dialled.push(address); return Promise.resolve(peer); };
  return { clock, dialled, meter: new LinkMeter({ clock, mesh: { peers, dial, ping: pingMs, bandwidth } }) };
}

it('takes the least of three pings, and the bandwidth', async () => {
  const pings = [9, 3, 7];
  const { meter: links } = meter({ pingMs: () => Promise.resolve(pings.shift() ?? 0) });
  expect(await links.measure({ peer, addresses: [], signal: never })).toEqual({ rttMs: 3, bytesPerSecond: 1e6, ageMs: 0 });
});

it('tells again what it measured, with its age, until that is old', async () => {
  let measured = 0;
  const { meter: links, clock } = meter({ bandwidth: () => Promise.resolve(++measured) });
  const ask = () => links.measure({ peer, addresses: [], signal: never });
  await Promise.all([ask(), ask(), ask()]);
  clock.advance(LINK_MAX_AGE_MS);
  expect(await ask()).toEqual({ rttMs: 5, bytesPerSecond: 1, ageMs: LINK_MAX_AGE_MS });
  clock.advance(1);
  expect(await ask()).toEqual({ rttMs: 5, bytesPerSecond: 2, ageMs: 0 });
});

it('measures one link at a time', async () => {
  let [now, most] = [0, 0];
  const bandwidth = async (): Promise<number> => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    return 1;
  };
  const all = ['a', 'b', 'c'].map(asPeerId);
  const { meter: links } = meter({ bandwidth, connected: all });
  await Promise.all(all.map((one) => links.measure({ peer: one, addresses: [], signal: never })));
  expect(most).toBe(1);
});

it('dials only addresses that end in the id of the peer it was asked about', async () => {
  const { meter: links, dialled } = meter({ connected: [] });
  await links.measure({ peer, addresses: ['/ip4/10.0.0.1/tcp/22/p2p/other', '/ip4/10.0.0.2/tcp/1/p2p/p'], signal: never });
  expect(dialled).toEqual(['/ip4/10.0.0.2/tcp/1/p2p/p']);
});

it('knows the round trip to a peer that does not take part in more', async () => {
  const { meter: links } = meter({ bandwidth: () => Promise.reject(coded('MESH_PROTOCOL_UNSUPPORTED')) });
  expect(await links.measure({ peer, addresses: [], signal: never })).toMatchObject({ rttMs: 5, bytesPerSecond: undefined });
});

it('a link that fails or is no longer wanted holds nobody up', async () => {
  const [gone, there] = [asPeerId('gone'), asPeerId('there')];
  const { meter: links } = meter({ connected: [gone, there], pingMs: (one) => (one === gone ? Promise.reject(coded('MESH_REQUEST_TIMEOUT')) : Promise.resolve(5)) });
  const failing = links.measure({ peer: gone, addresses: [], signal: never });
  const late = links.measure({ peer: there, addresses: [], signal: AbortSignal.abort(new RangeError('late')) });
  const fine = links.measure({ peer: there, addresses: [], signal: never });
  await expect(failing).rejects.toMatchObject({ code: 'MESH_REQUEST_TIMEOUT' });
  await expect(late).rejects.toThrow('late');
  expect(await fine).toMatchObject({ rttMs: 5 });
});

it('a peer that was not reached is not tried again at once, but later', async () => {
  let tries = 0;
  const { meter: links, clock } = meter({ pingMs: () => { tries++; return Promise.reject(coded('MESH_REQUEST_TIMEOUT')); } });
  const ask = () => links.measure({ peer, addresses: [], signal: never });
  for (let i = 0; i < 3; i++) await expect(ask()).rejects.toMatchObject({ code: 'MESH_REQUEST_TIMEOUT' });
  expect(tries).toBe(1);
  clock.advance(2 * 60_000 + 1);
  await expect(ask()).rejects.toMatchObject({ code: 'MESH_REQUEST_TIMEOUT' });
  expect(tries).toBe(2);
});

it('an asker in a hurry does not make a peer one that is not reached; one that had patience does', async () => {
  const hasty = async (waitMs: number): Promise<number> => {
    let tries = 0;
    const asker = new AbortController();
    const { meter: links, clock } = meter({ pingMs: () => {
      if (tries++ > 0) return Promise.resolve(5);
      clock.advance(waitMs);
      asker.abort(new RangeError('enough'));
      return Promise.reject(asker.signal.reason);
    } });
    await expect(links.measure({ peer, addresses: [], signal: asker.signal })).rejects.toThrow('enough');
    await links.measure({ peer, addresses: [], signal: never }).catch(() => undefined);
    return tries;
  };
  expect(await hasty(100)).toBeGreaterThan(1);
  expect(await hasty(2_000)).toBe(1);
});
