import type { HostService } from '../api/index.ts';
import type { Clock, Unsubscribe } from '../base/index.ts';
import type { Member } from '../../src-preload/bridge/index.ts';
import type { ContributeSwitch } from './contribute-switch.ts';

export interface Notice {
  readonly title: string;
  readonly body: string;
}

export interface NoticesInit {
  readonly host: Pick<HostService, 'events' | 'conversations' | 'members' | 'standing'>;
  readonly contribute?: ContributeSwitch | undefined;
  readonly clock: Clock;
  /** Whether the user looks at the window now: what it shows needs no notice. */
  readonly isSeen: () => boolean;
  /** Whether the user wants any. */
  readonly isWanted: () => boolean;
  readonly show: (notice: Notice) => void;
}

/** A mesh that comes together at the start, or a stream of machines, is one notice at most. */
const JOIN_QUIET_MS = 60_000;
const MAX_NAME_CHARS = 60;

/** What the system shows of the app while nobody looks at it: an answer that ended, a machine that joined, contributing that holds for the battery. Of a chat only its title. */
export class Notices {
  readonly #init: NoticesInit;
  readonly #stops: Unsubscribe[];
  /** Conversations by the id of the answer that is written in them. */
  readonly #answers = new Map<string, string>();
  readonly #known: Set<string>;
  #quietUntilMs: number;
  #isHeld: boolean;

  constructor(init: NoticesInit) {
    this.#init = init;
    const { host, contribute, clock } = init;
    const { events, conversations } = host;
    this.#known = new Set((host.members?.() ?? []).map(({ peerId }) => peerId));
    this.#quietUntilMs = clock.now() + JOIN_QUIET_MS;
    this.#isHeld = this.#isHeldForBattery();
    this.#stops = [
      events.on('members', (now) => this.#onMembers(now)),
      ...(conversations === undefined ? [] : [
        conversations.events.on('started', ({ answerId, conversationId }) => void this.#answers.set(answerId, conversationId)),
        conversations.events.on('done', ({ answerId, finish }) => this.#onEnded(answerId, finish.finishReason === 'cancelled' ? undefined : 'The answer is there.')),
        conversations.events.on('failed', ({ answerId }) => this.#onEnded(answerId, 'The answer could not be finished.')),
      ]),
      ...(contribute === undefined ? [] : [contribute.onChange(() => this.#onContribute())]),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #onEnded(answerId: string, body: string | undefined): void {
    const id = this.#answers.get(answerId);
    this.#answers.delete(answerId);
    if (id === undefined || body === undefined || !this.#isDue()) return;
    void this.#titleOf(id).then((title) => this.#show({ title, body }));
  }

  // A conversation that was deleted meanwhile has none.
  async #titleOf(id: string): Promise<string> {
    try {
      return (await this.#init.host.conversations?.open({ id, limit: 1 }))?.conversation.title ?? 'OmniNode';
    } catch {
      return 'OmniNode';
    }
  }

  #onMembers(members: readonly Member[]): void {
    const { clock, host } = this.#init;
    const joined = members.filter(({ peerId }) => !this.#known.has(peerId));
    for (const { peerId } of joined) this.#known.add(peerId);
    // Of strangers there is no end.
    const [first] = joined;
    if (first === undefined || host.standing?.().zone.kind === 'public' || clock.now() < this.#quietUntilMs || !this.#isDue()) return;
    this.#quietUntilMs = clock.now() + JOIN_QUIET_MS;
    this.#show(joined.length === 1 ? { title: 'A machine joined', body: nameOf(first) } : { title: `${joined.length} machines joined`, body: joined.slice(0, 3).map(nameOf).join(', ') });
  }

  #onContribute(): void {
    const [was, now] = [this.#isHeld, this.#isHeldForBattery()];
    this.#isHeld = now;
    if (now && !was && this.#isDue()) this.#show({ title: 'Contributing is paused', body: 'This machine runs on its battery. It goes on when power is back.' });
  }

  #isHeldForBattery(): boolean {
    const state = this.#init.contribute?.state();
    return state?.isOn === true && state.heldBy === 'battery';
  }

  #isDue(): boolean {
    return this.#init.isWanted() && !this.#init.isSeen();
  }

  #show(notice: Notice): void {
    this.#init.show(notice);
  }
}

/** As it calls itself; a stranger's text, so without what would break a line or turn its direction. */
function nameOf({ name, peerId }: Member): string {
  const shown = (name ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim().slice(0, MAX_NAME_CHARS);
  return shown === '' ? peerId.slice(-8) : shown;
}
