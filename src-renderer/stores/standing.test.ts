import { expect, it } from 'vitest';
import { STANDING } from '../../test/support/scripted-host.ts';
import { en } from '../language/en/index.ts';
import { reachReason, relayText } from './standing.ts';

it('shortens peer ids, and says where there is a place', () => {
  expect(reachReason(STANDING.reachability)).toBe('peer …umber1 could not reach /ip4/203.0.113.7/tcp/4001: a router or firewall lets nobody in');
  expect(STANDING.relays.map((relay) => relayText(relay, en.network))).toEqual(['Through …layOne', 'No place at …layTwo']);
});
