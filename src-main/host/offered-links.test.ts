import { expect, it } from 'vitest';
import type { HostServiceEvents, InviteService } from '../api/index.ts';
import { CodedError, Events } from '../base/index.ts';
import type { OfferedLink } from '../../src-preload/bridge/index.ts';
import { INVITATION, JOIN_PLAN, ScriptedHost } from '../../test/support/scripted-host.ts';
import { OfferedLinks } from './offered-links.ts';

function begin(change: Partial<InviteService> = {}) {
  const { joined, invites } = new ScriptedHost();
  const events = new Events<HostServiceEvents>();
  const told: (OfferedLink | undefined)[] = [];
  events.on('link', (link) => told.push(link));
  return { links: new OfferedLinks({ ...invites, ...change }, events), joined, told };
}

it('shows what a link says and joins by it only when told to, once', async () => {
  const { links, joined, told } = begin();
  await links.offer(INVITATION.link);
  const shown = links.current();
  expect(shown).toMatchObject({ kind: 'checked', plan: JOIN_PLAN });
  expect([told, joined]).toEqual([[shown], []]);
  expect(JSON.stringify(told)).not.toContain(INVITATION.link);
  expect(await links.join(shown!.id)).toEqual(JOIN_PLAN);
  expect([joined, links.current(), told.at(-1)]).toEqual([[INVITATION.link], undefined, undefined]);
  await expect(links.join(shown!.id)).rejects.toMatchObject({ code: 'HOST_LINK_GONE' });
});

it('joins by no other link than the one that is shown', async () => {
  const { links, joined } = begin();
  await links.offer(INVITATION.link);
  const { id } = links.current()!;
  await links.offer(INVITATION.link);
  await expect(links.join(id)).rejects.toMatchObject({ code: 'HOST_LINK_GONE' });
  links.dismiss(id);
  expect(links.current()).toBeDefined();
  links.dismiss(links.current()!.id);
  expect([links.current(), joined]).toEqual([undefined, []]);
});

it('shows the newest, whichever is checked first', async () => {
  const slow = Promise.withResolvers<void>();
  const { links, told } = begin({ check: async (link) => {
    if (link === 'slow') await slow.promise;
    return { ...JOIN_PLAN, inviter: link };
  } });
  const first = links.offer('slow');
  expect(links.current()).toBeUndefined();
  await links.offer('quick');
  slow.resolve();
  await first;
  expect([told.length, links.current()]).toMatchObject([1, { plan: { inviter: 'quick' } }]);
});

it('says what is wrong with a link, and nothing of the link', async () => {
  const { links } = begin();
  await links.offer('omni://join/secret');
  expect(links.current()).toMatchObject({ kind: 'refused', error: { code: 'INVITE_EXPIRED', next: expect.any(String) } });
  const broken = begin({ check: async (link) => Promise.reject(new Error(`cannot read ${link}`)) });
  await broken.links.offer('omni://join/secret');
  expect(broken.links.current()).toMatchObject({ kind: 'refused', error: { code: 'HOST_LINK_UNREADABLE' } });
  expect(JSON.stringify(broken.told)).not.toContain('secret');
});

it('keeps a link that could not be joined now', async () => {
  let tries = 0;
  const { links } = begin({ join: async () => {
    tries += 1;
    if (tries === 1) throw new CodedError({ code: 'HOST_TOO_MANY_PEERS', message: 'full' });
    return JOIN_PLAN;
  } });
  await links.offer(INVITATION.link);
  const { id } = links.current()!;
  await expect(links.join(id)).rejects.toMatchObject({ code: 'HOST_TOO_MANY_PEERS' });
  expect(await links.join(id)).toEqual(JOIN_PLAN);
});
