import { expect, it } from 'vitest';
import { netReport, type NetFacts } from './report.ts';

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const FAR = '12D3KooWFarAwayPeerNumber1';
const MISSED = { peerId: FAR, addresses: [`/ip4/10.0.0.2/tcp/4001/p2p/${FAR}`], isNamed: true, isConnected: false, seenAt: NOW - 3 * HOUR_MS };
const trouble = (reason: string) => ({ since: NOW, trouble: { code: 'MESH_DIAL_FAILED', message: `Could not connect: ${reason}.`, reason } });
const FACTS: NetFacts = {
  running: { peerId: '12D3KooWThisNodeNumber0', pid: 7 }, listening: { addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/a', '/ip4/10.0.0.1/udp/4002/quic-v1/p2p/a'] }, zone: { kind: 'local', allowed: 0 },
  relays: [], members: [{ ...MISSED, isConnected: true, name: 'studio' }], clocks: [], mdns: { isOn: false, hasRoute: true }, nowMs: NOW,
};
const of = (facts: Partial<NetFacts>, name: string) => netReport({ ...FACTS, ...facts }).findings.filter((finding) => finding.name === name);

it('is well where nothing failed, and says what it did not look at', () => {
  const { ok, findings } = netReport(FACTS);
  expect(ok).toBe(true);
  expect(findings.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual(['node: ok', 'zone: ok', 'listen: ok', 'firewall: hint', 'reached from: ok', 'members: ok', 'mDNS: ok', 'clocks: unknown']);
  expect(of({}, 'firewall')[0]?.detail).toBe('others need udp port 4002 to be let in');
  expect(of({}, 'members')[0]?.detail).toBe('1 of 1 known is reached: studio (...rNumber1)');
});

it.each([
  ['refused', /10\.0\.0\.2\/tcp\/4001: .*nothing listens.*\(in `peers` of config.json, last connected 3 h ago\)/, /Start OmniNode there/],
  ['timeout', /no answer/, /firewall/], ['another zone', /not in this node's zone/, /omninode zone show/], ['wrong identity', /another node answers/, /omninode invite/],
])('says of a member that is not reached (%s) where, why, since when, and what to do', (reason, detail, next) => {
  const [finding] = of({ members: [{ ...MISSED, missed: trouble(reason) }] }, 'member');
  expect(finding).toMatchObject({ verdict: 'fail', detail: expect.stringMatching(detail), next: expect.stringMatching(next) });
});

it('fails for who was named; others of the address book come and go, unless nobody is there at all', () => {
  const [named, known] = [{ ...MISSED, missed: trouble('refused') }, { ...MISSED, peerId: 'b', isNamed: false, missed: trouble('refused') }];
  expect(netReport({ ...FACTS, members: [...FACTS.members, named] }).ok).toBe(false);
  expect(netReport({ ...FACTS, members: [...FACTS.members, known] }).ok).toBe(true);
  expect(netReport({ ...FACTS, members: [known] })).toMatchObject({ ok: false });
  expect(of({ members: [...FACTS.members, { ...MISSED, peerId: 'c' }] }, 'members')[0]?.detail).toMatch(/1 not tried, enough are there/);
  expect(netReport({ ...FACTS, members: [] })).toMatchObject({ ok: true });
  expect(of({ members: [] }, 'members')[0]).toMatchObject({ verdict: 'hint', next: expect.stringContaining('omninode join') });
});

it('stays one screen where many are not reached', () => {
  const members = Array.from({ length: 40 }, (_, index) => ({ ...MISSED, peerId: `peer${index}`, isNamed: index > 37, missed: trouble('timeout') }));
  const { findings } = netReport({ ...FACTS, members });
  expect(findings.flatMap(({ next }) => (next === undefined ? [1] : [1, 1])).length).toBeLessThanOrEqual(24);
  expect(of({ members }, 'member').map(({ verdict }) => verdict)).toEqual(['fail', 'fail', 'hint', 'hint', 'hint']);
  expect(of({ members }, 'members').at(-1)).toMatchObject({ detail: '35 more are not reached', next: expect.stringContaining('--json') });
});

it('says which relay gives no place, and why', () => {
  const address = `/ip4/192.0.2.1/tcp/4001/p2p/${FAR}`;
  expect(of({ relays: [{ address, isHeld: true }] }, 'relay')).toMatchObject([{ verdict: 'ok', detail: '...rNumber1 at /ip4/192.0.2.1/tcp/4001: others reach this node through it' }]);
  expect(of({ relays: [{ address, isHeld: false, trouble: trouble('refused').trouble }] }, 'relay')).toMatchObject([{ verdict: 'fail', detail: expect.stringContaining('nothing listens'), next: expect.stringContaining('Start OmniNode') }]);
  expect(of({ relays: [{ address, isHeld: false, trouble: { code: 'MESH_RELAY_REFUSED', message: 'no', reason: 'it is none' } }] }, 'relay')).toMatchObject([{ verdict: 'fail', next: expect.stringContaining('"relay": true') }]);
});

it('tells from where it is reached, as far as its zone wants that', () => {
  const zone = { kind: 'public', allowed: 0 } as const;
  expect(of({ zone, reachability: { kind: 'private', reason: `peer ${FAR} could not` } }, 'reached from')).toMatchObject([{ verdict: 'hint', detail: 'private: its own network only (peer ...rNumber1 could not)', next: expect.stringContaining('relays') }]);
  expect(of({ zone, reachability: { kind: 'private', reason: 'x' }, relays: [{ address: '/a/p2p/b', isHeld: true }] }, 'reached from')).toMatchObject([{ verdict: 'ok' }]);
  expect(of({ zone, reachability: { kind: 'public', reason: 'one did' } }, 'reached from')).toEqual([{ name: 'reached from', verdict: 'ok', detail: 'public: anywhere (one did)' }]);
  expect(of({ zone, running: undefined }, 'reached from')).toMatchObject([{ verdict: 'unknown' }]);
  expect(of({ reachability: { kind: 'private', reason: 'x' } }, 'reached from')).toMatchObject([{ verdict: 'ok', detail: expect.stringContaining('zone local') }]);
});

it('fails where nothing can be listened on, the zone cannot be used, the app runs without its node, or mDNS has no way', () => {
  const failure = { code: 'X', message: 'no', next: 'do this' };
  expect(of({ listening: { trouble: failure } }, 'listen')).toEqual([{ name: 'listen', verdict: 'fail', detail: 'no', next: 'do this' }]);
  expect(of({ zone: { trouble: failure } }, 'zone')).toMatchObject([{ verdict: 'fail', next: 'do this' }]);
  expect(of({ running: { peerId: 'a', pid: 1, trouble: failure } }, 'node')).toMatchObject([{ verdict: 'fail', detail: 'no' }]);
  expect(of({ mdns: { isOn: true, hasRoute: false } }, 'mDNS')).toMatchObject([{ verdict: 'fail' }]);
  for (const facts of [{ listening: { trouble: failure } }, { zone: { trouble: failure } }, { mdns: { isOn: true, hasRoute: false } }]) expect(netReport({ ...FACTS, ...facts }).ok).toBe(false);
  expect(of({ listening: { addresses: [] } }, 'listen')[0]?.verdict).toBe('hint');
  expect(of({ listening: { addresses: ['/ip4/127.0.0.1/tcp/1'] } }, 'firewall')[0]?.detail).toBe('only this machine reaches it');
  expect(of({ listening: { addresses: ['/ip4/0.0.0.0/tcp/0'] } }, 'firewall')[0]?.detail).toBe('the port is another one at each start');
});
