import { randomUUID } from 'node:crypto';
import type { HostServiceEvents, InviteService, LinkService } from '../api/index.ts';
import { CodedError, toCoded, type Events } from '../base/index.ts';
import type { JoinPlan, OfferedLink } from '../../src-preload/bridge/index.ts';
import { hostErrors } from './errors.ts';

interface Offered {
  readonly id: string;
  /** A secret: it is told to nobody. */
  readonly link: string;
  /** Undefined while it is checked. */
  shown: OfferedLink | undefined;
}

/** Keeps the invitation that the system handed over last, until the user says yes or no to what joining by it would do. */
export class OfferedLinks implements LinkService {
  readonly #invites: InviteService;
  readonly #events: Events<HostServiceEvents>;
  #offered: Offered | undefined;

  constructor(invites: InviteService, events: Events<HostServiceEvents>) {
    this.#invites = invites;
    this.#events = events;
  }

  current(): OfferedLink | undefined {
    return this.#offered?.shown;
  }

  /** Checks it and shows what it says. A later one takes its place. Never rejects: a bad link is shown as one. */
  async offer(link: string): Promise<void> {
    const offered: Offered = { id: randomUUID(), link, shown: undefined };
    this.#offered = offered;
    const shown = await this.#check(offered);
    if (this.#offered !== offered) return;
    offered.shown = shown;
    this.#events.emit('link', shown);
  }

  async join(id: string): Promise<JoinPlan> {
    const offered = this.#offered;
    if (offered?.id !== id || offered.shown === undefined) throw hostErrors.linkGone({});
    const plan = await this.#invites.join(offered.link);
    this.dismiss(id);
    return plan;
  }

  dismiss(id: string): void {
    if (this.#offered?.id !== id) return;
    this.#offered = undefined;
    this.#events.emit('link', undefined);
  }

  async #check({ id, link }: Offered): Promise<OfferedLink> {
    try {
      return { kind: 'checked', id, plan: await this.#invites.check(link) };
    } catch (error) {
      // Of an unknown failure nothing is told: its text may quote the link.
      const known = error instanceof CodedError ? error : hostErrors.linkUnreadable({}, toCoded(error));
      return { kind: 'refused', id, error: { ...known.toWire(), meta: {} } };
    }
  }
}
