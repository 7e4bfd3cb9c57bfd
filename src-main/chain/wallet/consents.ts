import { randomUUID } from 'node:crypto';
import { Events, systemClock, type Clock } from '../../base/index.ts';
import { walletErrors } from './errors.ts';
import { digestOf } from './hashes.ts';
import { WALLET_LIMITS } from './options.ts';
import type { Approval, Asked, Asker, PasswordReason, Subject } from './types.ts';
import type { Wallet } from './wallet.ts';

export interface ConsentsInit {
  readonly wallet: Wallet;
  readonly clock?: Clock;
  readonly expiryMs?: number;
}

export interface ConsentRequest {
  readonly asker: Asker;
  readonly subject: Subject;
  /** Aborted, it is not asked any more. */
  readonly signal?: AbortSignal;
}

/** The owner's answer to what was shown. */
export interface Decision {
  readonly id: string;
  readonly digest: string;
  readonly isApproved: boolean;
  readonly password?: string;
}

interface Waiting {
  readonly asked: Asked;
  readonly answer: PromiseWithResolvers<Approval>;
  readonly end: () => void;
  isDeciding: boolean;
}

/** What waits for the owner, oldest first; documents show one at a time. A decision counts once, for exactly what was shown, and silence is a refusal. */
export class Consents {
  readonly events = new Events<{ changed: readonly Asked[] }>();
  readonly #init: ConsentsInit;
  readonly #clock: Clock;
  #waiting: readonly Waiting[] = [];

  constructor(init: ConsentsInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
  }

  /** Resolves when the owner approved. Throws WALLET_REFUSED, WALLET_EXPIRED, WALLET_TOO_MANY_WAITING, WALLET_NONE. */
  ask({ asker, subject, signal }: ConsentRequest): Promise<Approval> {
    if (subject.kind !== 'binding' && !this.#hasWallet) return Promise.reject(walletErrors.none({}));
    if (this.#waiting.length >= WALLET_LIMITS.waiting) return Promise.reject(walletErrors.tooManyWaiting({ limit: WALLET_LIMITS.waiting }));
    if (signal?.aborted === true) return Promise.reject(walletErrors.refused({}));
    const expiryMs = this.#init.expiryMs ?? WALLET_LIMITS.consentMs;
    const id = subject.kind === 'batch' ? subject.batch.id : randomUUID();
    if (this.#waiting.some(({ asked }) => asked.id === id)) return Promise.reject(walletErrors.knownId({}));
    const name = asker.name.replace(/[\p{C}\p{Z}]+/gu, ' ').slice(0, 100);
    const askedAtMs = this.#clock.now();
    const asked: Asked = { id, digest: digestOf(id, { ...asker, name }, subject), asker: { ...asker, name }, subject, askedAtMs, expiresAtMs: askedAtMs + expiryMs };
    const timer = setTimeout(() => this.#refuse(id, walletErrors.expired({ afterMs: expiryMs })), expiryMs).unref();
    const abort = (): void => this.refuse(id);
    signal?.addEventListener('abort', abort, { once: true });
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const waiting: Waiting = { asked, answer: Promise.withResolvers(), end, isDeciding: false };
    this.#set([...this.#waiting, waiting]);
    return waiting.answer.promise;
  }

  waiting(): readonly Asked[] {
    return this.#waiting.map(({ asked }) => asked);
  }

  /** The one to be shown. Throws WALLET_NOTHING_WAITS. */
  current(): Asked & { readonly passwordNeeded?: PasswordReason } {
    const [first] = this.#waiting;
    if (first === undefined) throw walletErrors.nothingWaits({});
    const passwordNeeded = this.passwordNeeded(first.asked.subject);
    return { ...first.asked, ...(passwordNeeded === undefined ? {} : { passwordNeeded }) };
  }

  /** Why this cannot be approved by a click; where there is no wallet there is no password either. */
  passwordNeeded(subject: Subject): PasswordReason | undefined {
    return this.#hasWallet ? this.#init.wallet.passwordNeeded(subject) : undefined;
  }

  /** Throws WALLET_CHANGED for what does not wait, or was shown otherwise; a wrong or missing password (WALLET_*) leaves it waiting. */
  async decide({ id, digest, isApproved, password }: Decision): Promise<void> {
    const found = this.#waiting.find(({ asked }) => asked.id === id);
    if (found === undefined || found.asked.digest !== digest || found.isDeciding) throw walletErrors.changed({});
    if (!isApproved) return this.refuse(id);
    found.isDeciding = true;
    try {
      const approval = this.#hasWallet ? await this.#init.wallet.approve(id, found.asked.subject, password) : approvedWithout(found.asked.subject);
      this.#drop(found);
      found.answer.resolve(approval);
    } finally {
      found.isDeciding = false;
    }
  }

  /** Does nothing for what does not wait. */
  refuse(id: string): void {
    this.#refuse(id, walletErrors.refused({}));
  }

  /** The host ends. */
  stop(): void {
    for (const { asked } of this.#waiting) this.refuse(asked.id);
  }

  get #hasWallet(): boolean {
    return this.#init.wallet.state().status !== 'none';
  }

  // One that is being approved is approved.
  #refuse(id: string, error: Error): void {
    const waiting = this.#waiting.find(({ asked, isDeciding }) => asked.id === id && !isDeciding);
    if (waiting === undefined) return;
    this.#drop(waiting);
    waiting.answer.reject(error);
  }

  #drop(waiting: Waiting): void {
    waiting.end();
    this.#set(this.#waiting.filter((other) => other !== waiting));
  }

  #set(waiting: readonly Waiting[]): void {
    this.#waiting = waiting;
    this.events.emit('changed', this.waiting());
  }
}

/** Without a wallet the node alone can be given to an account. */
function approvedWithout({ kind }: Subject): Approval {
  if (kind !== 'binding') throw walletErrors.none({});
  return {};
}
