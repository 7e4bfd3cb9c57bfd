import { layerCount, type LayerRange, type PeerId, type SessionId } from '../../base/index.ts';
import type { ServedSession } from '../../pipeline/index.ts';
import type { Hex } from '../../chain/index.ts';
import { payErrors } from './errors.ts';
import { tokensIn, type Terms } from './terms.ts';

export interface ServedInit {
  readonly terms: Terms;
  readonly payer: Hex;
  readonly peer: PeerId;
  /** Counted before, by an earlier run of this process. */
  readonly tokens: number;
  readonly vouched: number;
  readonly credit: number;
  /** Monotonic ms at which the session ends. */
  readonly endsMs: number;
}

/** A paid session on the node that computes: what it counted, and how far that is vouched for. */
export class Served {
  readonly init: ServedInit;
  vouched: number;
  #layerTokens: number;
  /** Of runs that are not over. */
  readonly #under = new Map<SessionId, number>();

  constructor(init: ServedInit) {
    this.init = init;
    this.vouched = init.vouched;
    this.#layerTokens = init.tokens * layerCount(init.terms.layers);
  }

  /** Rows of all layers, as tokens of its own ones. */
  get tokens(): number {
    return Math.floor([...this.#under.values()].reduce((sum, rows) => sum + rows, this.#layerTokens) / layerCount(this.init.terms.layers));
  }

  /** A run of the peer's is over. */
  computed(session: SessionId, rows: number, layers: LayerRange): void {
    this.#under.delete(session);
    this.#layerTokens += rows * layerCount(layers);
  }

  /** The sessions that are open. */
  look(sessions: readonly ServedSession[]): void {
    this.#under.clear();
    for (const { session, coordinator, runRows, layers } of sessions) if (coordinator === this.init.peer) this.#under.set(session, runRows * layerCount(layers));
  }

  /** Why it gets nothing more now; undefined: it does. */
  problem(nowMs: number): Error | undefined {
    const { terms, credit, endsMs } = this.init;
    const { tokens, vouched } = this;
    if (nowMs >= endsMs) return payErrors.over({ session: terms.sessionId });
    if (tokens >= tokensIn(terms)) return payErrors.spent({ tokens });
    return tokens - vouched > credit ? payErrors.behind({ tokens: tokens - vouched, credit }) : undefined;
  }
}
