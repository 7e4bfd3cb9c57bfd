import { toCoded, type CodedError, type Events, type Logger } from '../../base/index.ts';
import type { OpenedSession, StageRunnerEvents } from '../events.ts';
import type { FrameAddress } from '../wire/frame.ts';
import type { StageLink } from '../wire/link.ts';
import type { PeerLinks } from './peer-links.ts';
import type { StageSession } from './stage-session.ts';

export interface SessionsInit {
  readonly events: Events<StageRunnerEvents>;
  readonly logger: Logger;
  readonly peerLinks: PeerLinks;
  readonly onCount: (sessions: number) => void;
}

export const openedOf = ({ address, init: { entry, control, openedAt } }: StageSession): OpenedSession => ({ session: address.session, coordinator: control.peer, modelHash: entry.modelHash, layers: entry.engine.info.layers, openedAt });

/** The open sessions of a node. However one ends, its KV cache, its links and its place here are given back. */
export class Sessions {
  readonly #init: SessionsInit;
  readonly #open = new Map<string, StageSession>();

  constructor(init: SessionsInit) {
    this.#init = init;
  }

  get size(): number {
    return this.#open.size;
  }

  get(address: FrameAddress): StageSession | undefined {
    return this.#open.get(keyOf(address));
  }

  add(session: StageSession): void {
    this.#open.set(keyOf(session.address), session);
    session.init.entry.sessions.add(session);
    session.init.entry.slice.tell();
    this.#init.onCount(this.size);
    this.#init.events.emit('session:opened', openedOf(session));
  }

  /** Tells the coordinator, then ends the session. */
  fail(session: StageSession, error: unknown): void {
    if (session.closed) return;
    const coded = toCoded(error, 'PIPELINE_STAGE_INTERNAL');
    session.init.control.postError(session.address, coded);
    this.end(session, coded);
  }

  /** Says that so many rows of it are done. */
  computed({ address, init }: StageSession, rows: number): void {
    this.#init.events.emit('rows:computed', { session: address.session, coordinator: init.control.peer, layers: init.entry.engine.info.layers, rows });
  }

  end(session: StageSession, error?: CodedError): void {
    if (session.closed) return;
    session.closed = true;
    session.settle();
    const { entry, slot, next, lane } = session.init;
    this.#open.delete(keyOf(session.address));
    entry.sessions.delete(session);
    entry.slice.tell();
    // What it has waiting is dropped there.
    entry.loop.kick();
    lane?.leave();
    entry.engine.close(slot).catch((failure: unknown) => this.#init.logger.debug({ code: toCoded(failure).code }, 'a session was already gone from its engine'));
    if (next !== undefined) this.#init.peerLinks.release(next);
    this.#init.onCount(this.size);
    this.#init.events.emit('session:closed', { ...openedOf(session), errorCode: error?.code });
  }

  /** Every session that is steered or fed over the inbound link. */
  using(link: StageLink): StageSession[] {
    // Before the first frame, any stage link of the previous peer may be the one.
    const isSource = ({ init, dataLink }: StageSession): boolean => (dataLink === undefined ? link.remoteRole === 'stage' && init.previous === link.peer : dataLink === link);
    return [...this.#open.values()].filter((session) => session.init.control === link || isSource(session));
  }

  sentOn(link: StageLink): StageSession[] {
    return [...this.#open.values()].filter(({ init }) => init.next === link);
  }

  all(): StageSession[] {
    return [...this.#open.values()];
  }
}

export const keyOf = ({ session, stage }: FrameAddress): string => `${session}/${stage}`;
