import { createHash } from 'node:crypto';
import type { KadDHT } from '@libp2p/kad-dht';
import type { Multiaddr } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { asPeerId, withPeer, type PeerId } from '../../base/index.ts';
import * as limits from '../options.ts';
import type { ProviderRecord, ProviderRecords } from '../types.ts';
import { reachableFrom } from './reach.ts';

export interface ProviderRecordsInit {
  readonly dht: KadDHT;
  readonly self: PeerId;
  readonly ownAddresses: () => readonly Multiaddr[];
}

const RAW = 0x55;
const SHA2_256 = 0x12;

/** Who provides what, on the DHT of this mesh. */
export class DhtRecords implements ProviderRecords {
  readonly #init: ProviderRecordsInit;

  constructor(init: ProviderRecordsInit) {
    this.#init = init;
  }

  get mode(): 'client' | 'server' {
    return this.#init.dht.getMode();
  }

  async provide(cid: string, signal: AbortSignal): Promise<number> {
    let told = 0;
    await quietly(signal, async () => {
      for await (const event of this.#init.dht.provide(keyOf(cid), { signal })) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told++;
      }
    });
    return told;
  }

  async withdraw(cid: string): Promise<void> {
    await this.#init.dht.cancelReprovide(keyOf(cid));
  }

  async *find(cid: string, signal: AbortSignal): AsyncGenerator<ProviderRecord> {
    const events = this.#init.dht.findProviders(keyOf(cid), { signal })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await quietly(signal, () => events.next());
        if (next === undefined || next.done === true) return;
        const event = next.value;
        if (event.name !== 'PROVIDER') continue;
        for (const { id, multiaddrs } of event.providers) {
          const peer = asPeerId(id.toString());
          const addresses = reachableFrom(this.#init.ownAddresses(), multiaddrs, limits.DHT_MAX_ADDRESSES).map((address) => withPeer(address.toString(), peer));
          if (peer !== this.#init.self && addresses.length > 0) yield { peer, addresses };
        }
      }
    } finally {
      await events.return?.().catch(() => undefined);
    }
  }
}

/** kad-dht refuses keys that are no SHA2-256 multihash, and ours are BLAKE3: the key is the SHA2-256 of the CID's multihash. */
function keyOf(cid: string): CID {
  const hash = createHash('sha256').update(CID.parse(cid).multihash.bytes).digest();
  return CID.createV1(RAW, create(SHA2_256, hash));
}

/** Being called off ends a query, it is no failure of it. */
async function quietly<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
