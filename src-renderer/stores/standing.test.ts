import { expect, it } from 'vitest';
import { MEMBERS, STANDING } from '../../test/support/scripted-host.ts';
import { memberStanding, reachReason, relayText } from './standing.ts';

it('shortens peer ids, and says where there is a place', () => {
  expect(reachReason(STANDING.reachability)).toBe('peer …umber1 could not reach /ip4/203.0.113.7/tcp/4001: a router or firewall lets nobody in');
  expect(STANDING.relays.map(relayText)).toEqual(['Through …layOne', 'No place at …layTwo']);
});

it('says of others what differs from us, and what they told', () => {
  const [told, silent] = MEMBERS;
  expect(memberStanding(told!, STANDING)).toEqual(['reached from the internet']);
  expect(memberStanding({ ...told!, zone: 'public', reachability: 'private' }, STANDING)).toEqual(['public zone', 'not reached from the internet']);
  expect(memberStanding({ ...told!, reachability: 'unknown' }, undefined)).toEqual(['private zone']);
  expect(memberStanding(silent!, STANDING)).toEqual([]);
});
