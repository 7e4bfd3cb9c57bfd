import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/index.ts';
import type { DocumentName } from './names.ts';
import { DOCUMENT_LIMITS } from './options.ts';

const secret = (): string => randomBytes(32).toString('base64url');

/** What a form was shown with. */
export interface FormToken {
  readonly shownAtMs: number;
  /** Of a decision: what was shown. */
  readonly consent?: { readonly id: string; readonly digest: string };
}

/** One document that was opened: who knows its id may look at it, and only who was shown a form may send it, once. */
export class Ticket {
  readonly id = secret();
  readonly document: DocumentName;
  readonly expiresAtMs: number;
  /** Decisions that it showed. */
  readonly shown = new Set<string>();
  readonly #clock: Clock;
  readonly #tokens = new Map<string, FormToken>();

  constructor(document: DocumentName, clock: Clock) {
    this.document = document;
    this.#clock = clock;
    this.expiresAtMs = clock.monotonicMs() + DOCUMENT_LIMITS.ticketMs;
  }

  /** For one form. */
  issue(consent?: FormToken['consent']): string {
    const token = secret();
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size >= DOCUMENT_LIMITS.tokens && oldest !== undefined) this.#tokens.delete(oldest);
    if (consent !== undefined) this.shown.add(consent.id);
    this.#tokens.set(token, { shownAtMs: this.#clock.monotonicMs(), ...(consent === undefined ? {} : { consent }) });
    return token;
  }

  /** Once; undefined for what was not issued, or was taken. */
  take(token: string): FormToken | undefined {
    const known = this.#tokens.get(token);
    this.#tokens.delete(token);
    return known;
  }
}

/** Open documents; the oldest goes where there are too many. */
export class Tickets {
  readonly #clock: Clock;
  readonly #tickets = new Map<string, Ticket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    this.#forgetOld();
    return this.#tickets.size;
  }

  /** The one that is open for it, or a new one. */
  open(document: DocumentName): Ticket {
    this.#forgetOld();
    const open = [...this.#tickets.values()].find((ticket) => ticket.document === document);
    if (open !== undefined) return open;
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= DOCUMENT_LIMITS.tickets && oldest !== undefined) this.#tickets.delete(oldest);
    const ticket = new Ticket(document, this.#clock);
    this.#tickets.set(ticket.id, ticket);
    return ticket;
  }

  find(id: string): Ticket | undefined {
    this.#forgetOld();
    return this.#tickets.get(id);
  }

  drop(id: string): void {
    this.#tickets.delete(id);
  }

  #forgetOld(): void {
    for (const { id, expiresAtMs } of this.#tickets.values()) if (expiresAtMs <= this.#clock.monotonicMs()) this.#tickets.delete(id);
  }
}
