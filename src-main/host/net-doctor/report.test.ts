import { expect, it } from 'vitest';
import { netReport, type NetFacts } from './report.ts';

const FACTS: NetFacts = { isRunning: true, listening: { addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/a', '/ip4/10.0.0.1/udp/4002/quic-v1/p2p/a'] }, members: [{ address: '/ip4/10.0.0.2/tcp/1/p2p/b' }], mdns: { isOn: false, hasRoute: true } };
const of = (facts: Partial<NetFacts>, name: string) => netReport({ ...FACTS, ...facts }).findings.find((finding) => finding.name === name);

it('is well where nothing failed, and says what it did not look at', () => {
  const { ok, findings } = netReport(FACTS);
  expect(ok).toBe(true);
  expect(findings.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual(['listen: ok', 'firewall: hint', 'reached from: unknown', 'member: ok', 'mDNS: ok', 'clocks: unknown']);
  expect(of({}, 'firewall')?.detail).toBe('others need udp port 4002 to be let in');
});

it('is not well where a member is not reached, nothing can be listened on, or mDNS has no way', () => {
  const trouble = { code: 'MESH_DIAL_FAILED', message: 'refused', next: 'do this' };
  expect(of({ members: [{ address: '/a', trouble }] }, 'member')).toEqual({ name: 'member', verdict: 'fail', detail: 'refused', next: 'do this' });
  expect(of({ listening: trouble }, 'listen')).toMatchObject({ verdict: 'fail', next: 'do this' });
  expect(of({ mdns: { isOn: true, hasRoute: false } }, 'mDNS')?.verdict).toBe('fail');
  for (const facts of [{ members: [{ address: '/a', trouble }] }, { listening: trouble }, { mdns: { isOn: true, hasRoute: false } }]) expect(netReport({ ...FACTS, ...facts }).ok).toBe(false);
});

it('hints, and is well, where nobody is configured or only this machine is let in', () => {
  expect(of({ members: [] }, 'members')?.verdict).toBe('hint');
  expect(of({ listening: { addresses: [] } }, 'listen')?.verdict).toBe('hint');
  expect(of({ listening: { addresses: ['/ip4/127.0.0.1/tcp/1'] } }, 'firewall')?.detail).toBe('only this machine reaches it');
  expect(netReport({ ...FACTS, members: [], listening: { addresses: [] } }).ok).toBe(true);
});

it('tells whence it is reached once that is known', () => {
  expect(of({ reachability: { kind: 'private', reason: 'two tried' } }, 'reached from')).toMatchObject({ verdict: 'hint', detail: 'private: two tried', next: expect.stringContaining('relays') });
  expect(of({ reachability: { kind: 'public', reason: 'one did' } }, 'reached from')).toEqual({ name: 'reached from', verdict: 'ok', detail: 'public: one did' });
});
