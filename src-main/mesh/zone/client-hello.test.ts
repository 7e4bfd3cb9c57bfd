import { expect, test } from 'vitest';
import { asPeerId, systemClock } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { tlsHello } from '../testing/tls-hello.ts';
import { MAX_RECORD_BYTES, recordBytes, serverNameOf } from './client-hello.ts';
import { knockName, knockOfName, newKnock, openKnock, TLS_HANDSHAKE } from './knock.ts';
import { newZoneKey } from './zone-key.ts';

const LISTENER = asPeerId('12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq');

test('a knock comes through as the name of a server, and is opened by whom it is for', async () => {
  const key = newZoneKey();
  const { bytes } = await newKnock({ privateKey: await loadIdentity({ kind: 'ephemeral' }), key, listener: LISTENER }, systemClock.now());
  const hello = await tlsHello(knockName(bytes));
  expect(hello[0]).toBe(TLS_HANDSHAKE);
  expect(hello).toHaveLength(recordBytes(hello));
  expect(await openKnock(knockOfName(serverNameOf(hello)), { key, listener: LISTENER })).toMatchObject({ peer: expect.any(String) });
});

test('no name, no knock', async () => expect(serverNameOf(await tlsHello(undefined))).toBeUndefined());

test('every cut and every damaged byte of a hello is a name or none, never a failure', async () => {
  const hello = await tlsHello('some.name.example');
  for (let end = 0; end < hello.length; end++) expect([undefined, 'some.name.example']).toContain(serverNameOf(hello.subarray(0, end)));
  for (let at = 0; at < hello.length; at++) for (const value of [0, 1, 0x7f, 0xff]) expect(() => serverNameOf(Buffer.from(hello.map((byte, i) => (i === at ? value : byte))))).not.toThrow();
});

test('a record’s length is believed only when it is there', () => {
  expect(recordBytes(Buffer.of(TLS_HANDSHAKE, 3, 1))).toBe(MAX_RECORD_BYTES);
  expect(recordBytes(Buffer.of(TLS_HANDSHAKE, 3, 1, 1, 0))).toBe(5 + 256);
});

test('a knock never looks like TLS', async () => {
  const privateKey = await loadIdentity({ kind: 'ephemeral' });
  for (let i = 0; i < 300; i++) expect((await newKnock({ privateKey, key: undefined, listener: LISTENER }, 0)).bytes[0]).not.toBe(TLS_HANDSHAKE);
});
