import { multiaddr } from '@multiformats/multiaddr';
import { expect, test } from 'vitest';
import { asPeerId } from '../../../base/index.ts';
import { seenHost, stunUrl } from '../address.ts';
import { stunOfRelays } from '../compose.ts';
import { ANSWER_FRESH_MS, ANSWER_TTL_MS, MAX_ASKED_PEERS, MAX_CANDIDATES } from '../options.ts';
import { routedGateways } from '../port-mapping.ts';
import { DialAnswers } from './answers.ts';
import { candidatesOf } from './candidates.ts';

const ID = '12D3KooWQ138LwnVriSzwkdLwZ6uTkdKNxNMtnfgF2EbnBXxaL8R';
const known = (...addresses: string[]) => addresses.map((address) => ({ multiaddr: multiaddr(address), type: 'transport' }));
const textsOf = (...args: Parameters<typeof candidatesOf>): string[] => candidatesOf(...args).map(({ address, inner }) => `${inner?.toString() ?? 'own'} -> ${address.toString()}`);
const [X, Y, Z, W] = ['x', 'y', 'z', 'w'].map(asPeerId) as [ReturnType<typeof asPeerId>, ReturnType<typeof asPeerId>, ReturnType<typeof asPeerId>, ReturnType<typeof asPeerId>];
const A = '/ip4/8.1.1.1/tcp/1';

test('what may be dialled from outside: own addresses of the internet, and the ports of private ones at the host that others see', () => {
  const ours = known('/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.2/tcp/2', '/ip4/192.168.1.2/udp/3/quic-v1', `/ip4/8.8.8.8/tcp/4/p2p/${ID}`, `/ip4/8.8.4.4/tcp/5/p2p/${ID}/p2p-circuit`);
  expect(textsOf(ours, [])).toEqual(['own -> /ip4/8.8.8.8/tcp/4']);
  expect(textsOf(ours, ['9.9.9.9', '::1'])).toEqual([
    'own -> /ip4/8.8.8.8/tcp/4', '/ip4/192.168.1.2/tcp/2 -> /ip4/9.9.9.9/tcp/2', '/ip4/192.168.1.2/udp/3/quic-v1 -> /ip4/9.9.9.9/udp/3/quic-v1',
  ]);
  expect(textsOf([{ multiaddr: multiaddr('/ip4/8.8.8.8/udp/9/quic-v1'), type: 'observed' }], [])).toEqual([]);
  expect(textsOf(known(...Array.from({ length: 20 }, (_, i) => `/ip4/8.8.8.8/tcp/${i + 1}`)), [])).toHaveLength(MAX_CANDIDATES);
});

test('one peer that came through settles it, those that could not count while nobody did', () => {
  const answers = new DialAnswers();
  expect(answers.verdict([])).toMatchObject({ kind: 'unknown' });
  expect(answers.verdict([A])).toEqual({ kind: 'unknown', reason: 'no peer has tried yet' });
  answers.add(A, X, { isReached: false, atMs: 0 });
  expect(answers.verdict([A])).toMatchObject({ kind: 'private', reason: expect.stringContaining(`x could not reach ${A}`) });
  expect([answers.isOpen(A, X, 0), answers.isOpen(A, Y, 0), answers.isClosed(A)]).toEqual([false, true, true]);
  answers.add(A, Y, { isReached: true, atMs: 0 });
  expect(answers.verdict([A])).toEqual({ kind: 'public', reason: `peer y reached ${A}` });
  expect([answers.isOpen(A, Z, 0), answers.isClosed(A)]).toEqual([false, false]);
});

test('answers are asked for again when they are old, and forgotten when they are too old or of no address of ours', () => {
  const answers = new DialAnswers();
  answers.add(A, X, { isReached: true, atMs: 0 });
  expect([answers.isOpen(A, X, ANSWER_FRESH_MS - 1), answers.isOpen(A, X, ANSWER_FRESH_MS)]).toEqual([false, true]);
  answers.keep([A], ANSWER_TTL_MS);
  expect(answers.verdict([A]).kind).toBe('public');
  answers.keep([A], ANSWER_TTL_MS + 1);
  expect(answers.verdict([A]).kind).toBe('unknown');
  answers.add(A, X, { isReached: true, atMs: 0 });
  answers.keep([], 0);
  expect(answers.verdict([]).kind).toBe('unknown');
  for (const peer of [X, Y, Z].slice(0, MAX_ASKED_PEERS)) answers.add(A, peer, { isReached: false, atMs: 0 });
  expect(answers.isOpen(A, W, 0)).toBe(false);
});

test('a peer that came over a relay is not where the relay is, WebRTC or not', () => {
  const hosts = [A, `${A}/p2p/${ID}/p2p-circuit/p2p/${ID}`, `${A}/p2p/${ID}/p2p-circuit/webrtc/p2p/${ID}`, `/webrtc/p2p/${ID}`].map((address) => seenHost(multiaddr(address)));
  expect(hosts).toEqual(['8.1.1.1', undefined, undefined, undefined]);
});

test('the STUN servers of a node are those of its relays, once each, and nobody else', () => {
  expect(stunOfRelays()).toEqual([]);
  expect(stunOfRelays({ relays: [`/ip4/8.8.8.8/tcp/1/p2p/${ID}`, `/ip4/8.8.8.8/udp/2/quic-v1/p2p/${ID}`, `/ip6/2001:db8::1/tcp/1/p2p/${ID}`] })).toEqual(['stun:8.8.8.8:3478', 'stun:[2001:db8::1]:3478']);
  expect([stunUrl(`/dns4/relay.example/tcp/1/p2p/${ID}`, 5), stunUrl(`/p2p/${ID}`, 5)]).toEqual(['stun:relay.example:5', undefined]);
});

test('the gateway is read from the routes of Linux', () => {
  const routes = 'Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0101A8C0\t0003\neth0\t0001A8C0\t00000000\t0001\nbad line\n';
  expect(routedGateways(routes)).toEqual(['192.168.1.1']);
});
