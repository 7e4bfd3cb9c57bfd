import { expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import { inOrder } from './open-peer-source.ts';

const [one, two, relayed] = ['/ip4/10.0.0.1/tcp/1/p2p/a', '/ip4/10.0.0.2/tcp/1/p2p/a', '/ip4/10.0.0.3/tcp/1/p2p/r/p2p-circuit/p2p/a'];
const linked = (address: string, direction: 'inbound' | 'outbound') => ({ peer: asPeerId('a'), address, direction });

it('begins where a peer was reached, and tries relays last, also when it was reached over one', () => {
  expect(inOrder([relayed, one, two], undefined)).toEqual([one, two, relayed]);
  expect(inOrder([one, two], linked(two, 'outbound'))).toEqual([two, one]);
  expect(inOrder([one, two], linked('/ip4/10.0.0.2/tcp/1', 'outbound'))).toEqual([two, one]);
  expect(inOrder([one, two], linked(two, 'inbound'))).toEqual([one, two]);
  expect(inOrder([one, relayed], linked(relayed, 'outbound'))).toEqual([one, relayed]);
});
