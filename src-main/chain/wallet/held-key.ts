import { walletErrors } from './errors.ts';

/** The account's key while the wallet is unlocked. It is overwritten as soon as the wallet is locked, or nothing was signed for a while. */
export class HeldKey {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #key: Uint8Array | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
  }

  get isHeld(): boolean {
    return this.#key !== undefined;
  }

  /** Takes the bytes over. */
  hold(key: Uint8Array): void {
    this.release();
    this.#key = key;
    this.#touch();
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#key?.fill(0);
    this.#key = undefined;
  }

  /** Throws WALLET_LOCKED. */
  use(): Uint8Array {
    if (this.#key === undefined) throw walletErrors.locked({});
    this.#touch();
    return this.#key;
  }

  #touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onIdle, this.#idleMs).unref();
  }
}
