import { layerCount, type LayerRange, type PeerId } from '../../base/index.ts';

interface Stage {
  readonly peer: PeerId;
  readonly layers: LayerRange;
}

/**
 * What the payer itself saw pass: tokens of prompts that were computed, and of answers. They count for the stages that stand when they are
 * seen. What a node did of other layers than its own, having taken over, counts as tokens of its own.
 */
export class Meter {
  readonly #layerTokens = new Map<PeerId, number>();
  readonly #layers: ReadonlyMap<PeerId, number>;

  constructor(nodes: readonly Stage[]) {
    this.#layers = new Map(nodes.map(({ peer, layers }) => [peer, layerCount(layers)]));
  }

  add(tokens: number, stages: readonly Stage[]): void {
    for (const { peer, layers } of stages) if (this.#layers.has(peer)) this.#layerTokens.set(peer, (this.#layerTokens.get(peer) ?? 0) + tokens * layerCount(layers));
  }

  tokensOf(peer: PeerId): number {
    return Math.floor((this.#layerTokens.get(peer) ?? 0) / (this.#layers.get(peer) ?? 1));
  }
}

/** One answer's share: whoever reads it tells how far it has come. */
export class AnswerMeter {
  readonly #meter: Meter;
  #told = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** `tokens`: of this answer so far. Returns how many are new. */
  upTo(tokens: number, stages: readonly Stage[]): number {
    const more = Math.max(0, tokens - this.#told);
    this.#told += more;
    this.#meter.add(more, stages);
    return more;
  }
}
