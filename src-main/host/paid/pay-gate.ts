import type { PeerId } from '../../base/index.ts';
import type { PaidServing } from './paid-serving.ts';

/** Stands before the stages of a node that computes for pay, also while the chain is not there: then nobody is served. */
export class PayGate {
  serving: Pick<PaidServing, 'refusal'> | undefined;

  /** Why nothing is computed for a peer; undefined: it is. */
  refusal(peer: PeerId): string | undefined {
    return this.serving === undefined ? 'it computes for pay, and its chain is not reached' : this.serving.refusal(peer);
  }
}
