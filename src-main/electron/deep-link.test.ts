import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deepLinkIn, LinkInbox, protocolClient } from './deep-link.ts';

const LINK = 'omni://join/ae2abc';

it('finds an invitation in what a program was started with, and nothing else', () => {
  expect(deepLinkIn(['/opt/omninode', LINK])).toBe(LINK);
  expect(deepLinkIn(['omninode.exe', '--allow-file-access', 'OMNI://JOIN/AE2ABC'])).toBe('OMNI://JOIN/AE2ABC');
  expect(deepLinkIn(['omninode', 'omni://join/older', LINK])).toBe(LINK);
  for (const other of ['', 'omni://', 'omni://join/', 'omni://leave/x', 'omni:join/x', 'omni://join/a b', 'omni://join/a\nb', 'xomni://join/a', ' omni://join/a', 'https://omni.example/omni://join/a', `omni://join/${'a'.repeat(5_000)}`, 'omni://joins/a']) {
    expect([other, deepLinkIn(['omninode', other])]).toEqual([other, undefined]);
  }
});

it('finds no link that is too long or has what no link has, whatever the arguments', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.tuple(fc.string(), fc.constantFrom('', '\n', ' ', '\u0000', 'é'), fc.string()).map((parts) => `omni://join/${parts.join('')}`)), { maxLength: 8 }), (args) => {
    const found = deepLinkIn(args);
    if (found !== undefined) expect(found).toMatch(/^omni:\/\/join\/[\x21-\x7e]{1,4084}$/i);
  }), { seed: 6, numRuns: 300 });
});

it('is started again as it was started', () => {
  expect(protocolClient({ isPackaged: true, execPath: '/opt/omninode', argv: ['/opt/omninode', '--hidden'] })).toEqual(['omni']);
  expect(protocolClient({ isPackaged: false, execPath: '/e/electron', argv: ['/e/electron', '/src'] })).toEqual(['omni', '/e/electron', ['/src']]);
});

it('keeps the newest link until it can be shown, once', () => {
  const inbox = new LinkInbox();
  const shown: string[] = [];
  inbox.receive('omni://join/a');
  inbox.receive(undefined);
  inbox.receive('omni://join/b');
  inbox.deliverTo((link) => shown.push(link));
  inbox.receive('omni://join/c');
  inbox.deliverTo((link) => shown.push(`again ${link}`));
  expect(shown).toEqual(['omni://join/b', 'omni://join/c']);
});
