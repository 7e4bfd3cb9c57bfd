import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import { countPeers, whomToAsk } from './mesh-memory.ts';

const address = fc.record({ port: fc.integer({ min: 1, max: 9 }), peer: fc.constantFrom('a', 'b', 'c', 'd', 'e') }).map(({ port, peer }) => `/ip4/10.0.0.1/tcp/${port}/p2p/${peer}`);
const addresses = fc.array(address, { maxLength: 12 });
const peerIn = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

it('asks every peer once, at every address it has, by the name that the user gave it', () => {
  fc.assert(fc.property(addresses, addresses, (named, known) => {
    const whom = whomToAsk(named, known);
    const asked = [...whom.named, ...whom.known];
    expect(asked.map(({ peer }) => peer).toSorted()).toEqual([...new Set([...named, ...known].map(peerIn))].toSorted());
    expect(whom.named.map(({ peer }) => peer)).toEqual([...new Set(named.map(peerIn))]);
    for (const { peer, addresses: at } of asked) {
      // Where the user named it, and nowhere else, if the user did.
      const given = named.some((one) => peerIn(one) === peer) ? named : known;
      expect(at).toEqual([...new Set(given.filter((one) => peerIn(one) === peer))]);
    }
  }), { seed: 3, numRuns: 500 });
});

it('counts who answered and takes layers, and says who did not', () => {
  const asked = (name: string, more: object) => ({ peerId: asPeerId(name), isNamed: false, freeBytes: 5, takesLayers: true, ...more });
  expect(countPeers([asked('a', { isNamed: true }), asked('b', {}), asked('c', { freeBytes: null, takesLayers: false }), asked('d', { takesLayers: false }), asked('e', { freeBytes: 0 })])).toEqual({
    peers: [{ freeBytes: 5, isNamed: true }, { freeBytes: 5, isNamed: false }, { freeBytes: 0, isNamed: false }], absent: { silent: 1, unwilling: 1 },
  });
});
