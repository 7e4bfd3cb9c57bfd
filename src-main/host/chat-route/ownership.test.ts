import { expect, it } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { ownershipIn } from './ownership.ts';

const [self, other] = [asPeerId('self'), asPeerId('other')];

it.each([
  ['local', [], 'stranger'], ['public', [], 'stranger'],
  // A list that is not in force admits nobody.
  ['public', ['other'], 'stranger'],
  ['private', [], 'own'], ['private', ['other'], 'own'], ['private', ['third'], 'stranger'],
] as const)('in a %s zone that lists %j another machine is %s', (zone, allowPeers, ownership) => {
  const of = ownershipIn(self, { zone, allowPeers: [...allowPeers] });
  expect(of(other)).toBe(ownership);
  expect(of(self)).toBe('this-machine');
});
