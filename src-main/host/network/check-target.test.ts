import { describe, expect, it } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import type { NetFinding } from '../../../src-preload/bridge/index.ts';
import { checkTarget, readTarget } from './check-target.ts';

const PEER = '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq';
const ADDRESS = `/ip4/192.168.1.7/tcp/4001/p2p/${PEER}`;
const KNOWN = [{ peerId: PEER, name: 'studio' }, { peerId: `${PEER.slice(0, -1)}r`, name: 'twin' }];

describe('what somebody pastes', () => {
  it.each([[ADDRESS, { peer: PEER, address: ADDRESS }], [PEER, { peer: PEER }], ['studio', { peer: PEER }], ['…RvPYFq', { peer: PEER }], ['...RvPYFq', { peer: PEER }]])('%s is understood', (text, target) => {
    expect(readTarget(text, KNOWN)).toEqual(target);
  });

  it.each([
    ['omni://join/abcdef', /invitation/, /Join by a link/], ['/ip4/192.168.1.7/tcp/4001', /does not end in a peer id/, /omninode listen/], [`/ip4/192.168.1.7/tcp/4001/p2p/${PEER.slice(0, -3)}`, /cut, or mistyped/, /omninode listen/],
    ['192.168.1.7:4001', /neither an address/, /peer id/], ['…PYF', /neither/, /peer id/], ['', /neither/, /peer id/],
  ])('%s is refused in words, with what to paste instead', (text, detail, next) => {
    expect(readTarget(text, KNOWN)).toEqual({ finding: { name: 'target', verdict: 'fail', detail: expect.stringMatching(detail), next: expect.stringMatching(next) } });
  });

  it('a name that two have means none of them', () => {
    expect(readTarget('studio', [...KNOWN, { peerId: 'other', name: 'studio' }])).toMatchObject({ finding: { detail: '2 nodes are meant by that' } });
  });
});

describe('a node that nobody can try', () => {
  const found: NetFinding[][] = [];
  const sink = { signal: AbortSignal.timeout(60_000), doing: () => undefined, found: (findings: readonly NetFinding[]) => void found.push([...findings]) };
  const unused = { peers: () => [], dial: () => Promise.reject(new TypeError('dialled')), ping: () => Promise.reject(new TypeError('asked')) };
  const check = async (more: object): Promise<readonly NetFinding[]> => {
    await checkTarget({ mesh: { ...unused, peerId: asPeerId('self') }, peer: asPeerId(PEER), addresses: [ADDRESS], ban: undefined, ...more }, sink);
    return found.at(-1) ?? [];
  };

  it('is this one, is blocked, or has no address', async () => {
    expect(await check({ peer: asPeerId('self') })).toMatchObject([{ name: 'target', verdict: 'hint' }]);
    expect(await check({ ban: { subject: PEER, reason: 'sends garbage', sinceMs: 0, untilMs: null } })).toMatchObject([{ verdict: 'ok' }, { name: 'blocked', verdict: 'fail', detail: `...${PEER.slice(-8)} is blocked here until you lift it: sends garbage` }]);
    expect(await check({ addresses: [] })).toMatchObject([{ verdict: 'ok' }, { verdict: 'ok' }, { name: 'dial', verdict: 'fail', next: expect.stringContaining('invitation') }]);
  });
});
