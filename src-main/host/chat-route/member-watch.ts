import type { Unsubscribe } from '../../base/index.ts';
import type { Node } from '../node.ts';
import { NOBODY, servingSignature } from './serving-members.ts';

/** Several members come at once where a mesh is met. */
const SETTLE_MS = 500;
/** What failed though nobody came or went (memory that somebody freed is not told at once) is tried again. */
const AGAIN_MS = 30_000;

export interface WatchInit {
  readonly node: Pick<Node, 'presence'>;
  readonly onChange: () => void;
  readonly times?: { readonly settleMs: number; readonly againMs: number };
}

/** While it is armed, says once that it is worth trying again: members that serve are others than when it was armed, or there are some and half a minute passed. */
export class MemberWatch {
  readonly #init: WatchInit;
  #armed: { readonly offs: readonly Unsubscribe[]; settling?: NodeJS.Timeout } | undefined;

  constructor(init: WatchInit) {
    this.#init = init;
  }

  get isArmed(): boolean {
    return this.#armed !== undefined;
  }

  /** `since`: who served when what failed was begun; somebody may have come meanwhile. `isCalm`: nothing failed, so that only others are news. */
  arm(since: string, { isCalm = false }: { readonly isCalm?: boolean } = {}): void {
    this.disarm();
    const { node, times = { settleMs: SETTLE_MS, againMs: AGAIN_MS } } = this.#init;
    const look = (): void => {
      if (this.#armed !== undefined && servingSignature(node) !== since) this.#armed.settling ??= setTimeout(() => this.#fire(), times.settleMs).unref();
    };
    // Where nobody serves there is nothing to try, and the page would say the same again and again.
    const again = setInterval(() => { if (!isCalm && servingSignature(node) !== NOBODY) this.#fire(); }, times.againMs).unref();
    const { events } = node.presence ?? {};
    const heard = events === undefined ? [] : [events.on('peer:joined', look), events.on('peer:changed', look), events.on('peer:left', look)];
    this.#armed = { offs: [...heard, () => clearInterval(again)] };
    look();
  }

  disarm(): void {
    if (this.#armed === undefined) return;
    clearTimeout(this.#armed.settling);
    for (const off of this.#armed.offs) off();
    this.#armed = undefined;
  }

  #fire(): void {
    this.disarm();
    this.#init.onChange();
  }
}
