import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { base32 } from 'multiformats/bases/base32';
import { expect, test } from 'vitest';
import { createSigner } from '../identity/signature.ts';
import { newZoneKey } from '../zone/zone-key.ts';
import { createInvite, INVITE_PREFIX, readInvite } from './invite.ts';
import { MAX_INVITE_ADDRESSES, MAX_INVITE_TTL_MS } from './options.ts';

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const signer = createSigner(await generateKeyPair('Ed25519'));
const ADDRESSES = ['/ip4/192.168.1.7/tcp/4001', '/ip6/2001:db8::1/tcp/4001', '/dns4/node.example.org/tcp/443/ws'];
const named = (addresses: readonly string[]): string[] => addresses.map((address) => `${address}/p2p/${signer.peerId}`);
const make = (more: Partial<Parameters<typeof createInvite>[1]> = {}): Promise<string> =>
  createInvite(signer, { zone: 'local', zoneKey: undefined, addresses: named(ADDRESSES), expiresAtMs: NOW_MS + HOUR_MS, ...more }, NOW_MS);
const bytesOf = (link: string): Buffer => Buffer.from(base32.baseDecode(link.slice(INVITE_PREFIX.length)));
const linkOf = (bytes: Uint8Array): string => INVITE_PREFIX + base32.baseEncode(bytes);

test('an invitation says who made it, to which zone, where and until when', async () => {
  const zoneKey = newZoneKey();
  const link = await make({ zone: 'private', zoneKey });
  const invite = await readInvite(link, NOW_MS);
  expect(invite).toEqual({ inviter: signer.peerId, zone: 'private', zoneKey: new Uint8Array(zoneKey), addresses: named(ADDRESSES), expiresAtMs: NOW_MS + HOUR_MS });
  expect(await readInvite(await make(), NOW_MS)).toMatchObject({ zone: 'local', zoneKey: undefined });
  expect(await readInvite(await make({ zone: 'private' }), NOW_MS)).toMatchObject({ zone: 'private', zoneKey: undefined });
});

test('upper case (a QR code), spaces and broken lines do it no harm', async () => {
  const link = await make();
  const invite = await readInvite(link, NOW_MS);
  for (const seen of [link.toUpperCase(), ` ${link}\n`, link.replaceAll(/(.{40})/g, '$1\n  '), `${link}/`]) expect(await readInvite(seen, NOW_MS)).toEqual(invite);
});

test('an address behind a relay is kept with its relay', async () => {
  const relay = createSigner(await generateKeyPair('Ed25519')).peerId;
  const address = `/ip4/8.8.8.8/tcp/4001/p2p/${relay}/p2p-circuit`;
  expect((await readInvite(await make({ addresses: [address] }), NOW_MS)).addresses).toEqual(named([address]));
});

test('one that is over says since when', async () => {
  const link = await make();
  expect(await readInvite(link, NOW_MS + HOUR_MS - 1)).toBeDefined();
  await expect(readInvite(link, NOW_MS + HOUR_MS)).rejects.toMatchObject({ code: 'INVITE_EXPIRED', fault: 'user', meta: { expiredAt: new Date(NOW_MS + HOUR_MS).toISOString() } });
});

test('no bit of it can be changed', async () => {
  const bytes = bytesOf(await make({ zone: 'private', zoneKey: newZoneKey() }));
  for (let at = 0; at < bytes.length; at += 1) {
    for (const bit of [0, 7]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << bit;
      await expect(readInvite(linkOf(changed), NOW_MS), `byte ${at}`).rejects.toMatchObject({ code: expect.stringMatching(/^INVITE_(FORGED|GARBLED|NEWER)$/) });
    }
  }
});

test('nobody signs for another: the inviter’s id in front of a stranger’s signature is a forgery', async () => {
  const bytes = bytesOf(await make());
  const stranger = createSigner(await generateKeyPair('Ed25519'));
  const body = bytes.subarray(0, -64);
  const signature = await stranger.sign(Buffer.concat([Buffer.from('omni-invite/1\0'), body]));
  await expect(readInvite(linkOf(Buffer.concat([body, signature])), NOW_MS)).rejects.toMatchObject({ code: 'INVITE_FORGED', meta: { inviter: signer.peerId } });
  // What the inviter signed elsewhere is no invitation.
  await expect(readInvite(linkOf(Buffer.concat([body, await signer.sign(body)])), NOW_MS)).rejects.toMatchObject({ code: 'INVITE_FORGED' });
});

test('no piece of it is enough, and nothing may follow', async () => {
  const link = await make({ zone: 'private', zoneKey: newZoneKey() });
  for (let length = INVITE_PREFIX.length; length < link.length; length += 1) await expect(readInvite(link.slice(0, length), NOW_MS), `${length}`).rejects.toMatchObject({ code: expect.stringMatching(/^INVITE_/) });
  await expect(readInvite(linkOf(Buffer.concat([bytesOf(link), Buffer.of(1)])), NOW_MS)).rejects.toMatchObject({ code: expect.stringMatching(/^INVITE_(FORGED|GARBLED)$/) });
});

test('random bytes never are one', async () => {
  for (let i = 0; i < 2000; i += 1) await expect(readInvite(linkOf(Buffer.concat([Buffer.of(1), randomBytes(i % 400)])), NOW_MS)).rejects.toMatchObject({ code: expect.stringMatching(/^INVITE_/) });
});

test.each([
  ['another link', 'https://example.org/join/abc', 'INVITE_NOT_A_LINK'], ['another place of the scheme', 'omni://leave/abc', 'INVITE_NOT_A_LINK'], ['nothing', '', 'INVITE_NOT_A_LINK'],
  ['a novel', `${INVITE_PREFIX}${'a'.repeat(5000)}`, 'INVITE_NOT_A_LINK'], ['foreign letters', `${INVITE_PREFIX}ümläüt`, 'INVITE_GARBLED'], ['too little', `${INVITE_PREFIX}ae`, 'INVITE_GARBLED'],
  ['a later version', linkOf(Buffer.concat([Buffer.of(2), Buffer.alloc(150)])), 'INVITE_NEWER'],
])('%s is refused', async (_what, link, code) => {
  await expect(readInvite(link, NOW_MS)).rejects.toMatchObject({ code, fault: 'user', next: expect.any(String) });
});

test('what cannot be invited to is not: no address, somebody else’s, too long a time', async () => {
  await expect(make({ addresses: [] })).rejects.toMatchObject({ code: 'INVITE_NO_ADDRESS' });
  await expect(make({ addresses: [`/ip4/1.2.3.4/tcp/1/p2p/${createSigner(await generateKeyPair('Ed25519')).peerId}`] })).rejects.toMatchObject({ code: 'INVITE_BAD_ADDRESS' });
  await expect(make({ addresses: ['nonsense'] })).rejects.toMatchObject({ code: 'INVITE_BAD_ADDRESS' });
  await expect(make({ expiresAtMs: NOW_MS + MAX_INVITE_TTL_MS + 1000 })).rejects.toMatchObject({ code: 'INVITE_TOO_LONG' });
  const many = Array.from({ length: 20 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1`);
  expect((await readInvite(await make({ addresses: many }), NOW_MS)).addresses).toHaveLength(MAX_INVITE_ADDRESSES);
});

test('an error never holds the link', async () => {
  const link = await make({ zone: 'private', zoneKey: newZoneKey() });
  for (const bad of [link.slice(0, -9), link.replace('omni', 'http'), `${link}zz`]) {
    const error = await readInvite(bad, NOW_MS).catch((reason: unknown) => reason);
    expect(JSON.stringify((error as { toWire(): object }).toWire())).not.toContain(link.slice(60, 100));
  }
});
