import { setTimeout } from 'node:timers/promises';
import type { PeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import { NO_SESSION } from '../wire/frame.ts';
import type { StageLink } from '../wire/link.ts';
import type { EngineHub } from './engine-hub.ts';
import type { Sessions } from './sessions.ts';
import type { StageSession } from './stage-session.ts';

const LOOK_MS = 500;
/** A session that computed nothing for so long is between two answers. */
const QUIET_LOOKS = 3;

export interface LeaveRequest {
  /** Whom this node does not serve any more. */
  readonly isFor: (peer: PeerId) => boolean;
  /** In words, for their coordinators. */
  readonly reason: string;
  /** How long answers under way may take to end; others then take over where there are any. */
  readonly graceMs: number;
  /** Aborted: this node serves again, what is left stays. */
  readonly signal: AbortSignal;
}

export interface Leaving extends LeaveRequest {
  readonly sessions: Sessions;
  readonly hub: EngineHub;
  /** Inbound. */
  readonly links: () => readonly StageLink[];
}

/**
 * Stops serving with as little loss as can be: answers under way end, within the grace; then coordinators are told, so that they have others
 * take over at once; then engines are unloaded. Resolves when nothing of it is left, or the signal is aborted.
 */
export async function leave(leaving: Leaving): Promise<void> {
  const { isFor, reason, sessions, hub, links, signal } = leaving;
  await untilQuiet(leaving);
  if (signal.aborted) return;
  const error = pipelineErrors.notServing({ reason });
  for (const session of sessionsFor(leaving)) sessions.fail(session, error);
  for (const link of links().filter(({ peer, remoteRole }) => isFor(peer) && remoteRole === 'coordinator')) {
    link.postError(NO_SESSION, error);
    link.close();
  }
  await hub.unloadIdle();
}

const sessionsFor = ({ sessions, isFor }: Leaving): StageSession[] => sessions.all().filter(({ init }) => isFor(init.control.peer));

async function untilQuiet(leaving: Leaving): Promise<void> {
  const { graceMs, signal } = leaving;
  const seen = new Map<StageSession, { rows: number; quiet: number }>();
  for (let waitedMs = 0; waitedMs < graceMs && !signal.aborted; waitedMs += LOOK_MS) {
    const busy = await Promise.all(sessionsFor(leaving).map(async (session) => {
      const rows = session.doneRows + await session.runRows();
      const before = seen.get(session);
      const quiet = before?.rows === rows ? before.quiet + 1 : 0;
      seen.set(session, { rows, quiet });
      return quiet < QUIET_LOOKS;
    }));
    if (!busy.includes(true)) return;
    await setTimeout(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
