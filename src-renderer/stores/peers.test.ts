import { expect, it } from 'vitest';
import { MEMBERS, PEERS, STAGES } from '../../test/support/scripted-host.ts';
import { machineSummary, peerEntries, workSummary } from './peers.ts';

it('lists each node once, with all that is known of it', () => {
  const entries = peerEntries({ peers: PEERS, members: MEMBERS, stages: STAGES });
  expect(entries.map(({ peerId, link, member, stages }) => [peerId, link !== undefined, member !== undefined, stages.length])).toEqual([
    [PEERS[0]?.peerId, true, true, 1], ['12D3KooWScriptedFarNode', false, true, 0], [PEERS[1]?.peerId, true, false, 1],
  ]);
  expect(peerEntries({ peers: [] })).toEqual([]);
});

it('says only what a node told', () => {
  const bare = { peerId: 'p', app: 'x/1', startedAt: 0, since: 0, machine: { os: 'freebsd', arch: 'x64' }, models: [] };
  expect([machineSummary(bare), workSummary(bare)]).toEqual(['freebsd x64', '']);
  expect(machineSummary({ ...bare, machine: { ...bare.machine, ramFreeBytes: 2e9, isOnBattery: true } })).toBe('freebsd x64 · 2.0 GB free · on battery');
  expect(MEMBERS.map(workSummary)).toEqual(['OmniNode Guide layers 2–3 loaded · 1,380 tok/s with omni-guide', '']);
  expect(workSummary({ ...bare, models: [{ hash: '0123456789abcdef', totalLayers: 9, held: [[4, 4], [6, 8]], loaded: [] }] })).toBe('0123456789ab layers 4, 6–8 on disk');
});
