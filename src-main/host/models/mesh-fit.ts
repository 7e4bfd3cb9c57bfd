import { systemClock, type Clock } from '../../base/index.ts';
import { availableBytes } from '../../inference/index.ts';
import { whatFits, whatFitsBySize, type FitAbsent, type FitPeer, type ModelFacts } from '../../store/index.ts';
import type { Fit } from '../../../src-preload/bridge/index.ts';
import type { HostConfig } from '../config.ts';
import { askKnownPeers, countPeers, knownPeers, whomToAsk, type AskedPeer, type PeerToAsk } from '../mesh-memory.ts';
import type { Node } from '../node.ts';

/** Others are asked again after this long. */
const FRESH_MS = 20_000;
/** What they told counts no longer than this: they may be gone. */
const KEPT_MS = 600_000;
/** Asked at a time, connected ones first. */
const MAX_ASKED = 16;

/** What verdicts count with: the memory that is free now, here and, where they were asked, on other machines. */
export interface Memory {
  readonly freeBytes: number;
  readonly peers: readonly FitPeer[];
  readonly absent: FitAbsent;
  /** False: nobody else was asked, of late. */
  readonly isAsked: boolean;
}

export interface MeshMemoryInit {
  readonly node: Node;
  readonly config: Pick<HostConfig, 'home' | 'peers'>;
  readonly isUp: () => boolean;
  readonly clock?: Clock;
}

/** Free memory of this machine and of those that the node knows. */
export class MeshMemory {
  readonly #init: MeshMemoryInit;
  readonly #clock: Clock;
  #asked: readonly AskedPeer[] | undefined;
  #askedAtMs = -Infinity;

  constructor(init: MeshMemoryInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
  }

  /** With `ask` others are asked, unless they were a moment ago; that takes up to three seconds. */
  async now(ask: boolean, signal: AbortSignal): Promise<Memory> {
    if (ask && this.#ageMs > FRESH_MS && this.#init.isUp()) {
      this.#asked = await askKnownPeers(this.#init.node, this.#whom(), { signal });
      this.#askedAtMs = this.#clock.monotonicMs();
    }
    const asked = this.#ageMs > KEPT_MS ? undefined : this.#asked;
    return { freeBytes: await availableBytes(), ...countPeers(asked ?? []), isAsked: asked !== undefined };
  }

  get #ageMs(): number {
    return this.#clock.monotonicMs() - this.#askedAtMs;
  }

  #whom(): readonly PeerToAsk[] {
    const { node: { mesh }, config } = this.#init;
    const connected = mesh.peers().map(({ peer }) => ({ peer, addresses: [] }));
    const known = whomToAsk([], knownPeers(config)).known.filter(({ peer }) => peer !== mesh.peerId && !connected.some((one) => one.peer === peer));
    return [...connected, ...known].slice(0, MAX_ASKED);
  }
}

const askedOf = ({ isAsked, peers, absent }: Memory): Pick<Fit, 'asked'> => (isAsked ? { asked: { counted: peers.length, ...absent } } : {});

/** Of a model whose header is known. */
export function fitOf(facts: ModelFacts, contextTokens: number, memory: Memory): Fit {
  const { fits, needBytes, freeBytes, peersNeeded } = whatFits({ facts, contextTokens, ...memory });
  return { fits, basis: 'header', needBytes: Math.ceil(needBytes), freeBytes, ...(peersNeeded === undefined ? {} : { peersNeeded }), ...askedOf(memory) };
}

/** Of one of which only the size is known. */
export function fitBySize(sizeBytes: number, memory: Memory): Fit {
  const { fits, peersNeeded } = whatFitsBySize(sizeBytes, memory);
  return { fits, basis: 'size', needBytes: sizeBytes, freeBytes: memory.freeBytes, ...(peersNeeded === undefined ? {} : { peersNeeded }), ...askedOf(memory) };
}
