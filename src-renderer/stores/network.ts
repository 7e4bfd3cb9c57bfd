import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { HostError, type Blocked, type Known, type NetCheck, type WireError } from '../../src-preload/bridge/index.ts';
import { useApp, useHost } from './context.ts';
import type { Judgement } from './peer-table.ts';

/** Conduct and blocks change without an event: asked for again. */
const AGAIN_MS = 10_000;
const NOBODY: readonly never[] = [];

export interface Judged extends Judgement {
  /** Newest first. */
  readonly list: readonly Blocked[];
  /** Also those that are not listed. */
  readonly total: number;
  /** False on a host that does not offer it. */
  readonly isOffered: boolean;
  readonly refresh: () => void;
}

/** What the node knows of others' conduct, and whom it refuses; kept current while the view is open. */
export function useJudgement(): Judged {
  const { client } = useApp();
  const isOnline = useHost(({ link }) => link === 'online');
  const here = useHost(({ state }) => (state?.peers ?? NOBODY).map(({ peerId }) => peerId).join(' '));
  const [known, setKnown] = useState<readonly Known[]>(NOBODY);
  const [blocked, setBlocked] = useState<{ readonly blocked: readonly Blocked[]; readonly total: number }>();
  const refresh = useCallback((): void => {
    // What fails now is asked for again soon; an older host does not offer it.
    client.call('network.known', {}).then(({ peers }) => setKnown(peers), () => undefined);
    client.call('network.blocked', {}).then(setBlocked, () => undefined);
  }, [client]);
  useEffect(() => {
    if (!isOnline) return undefined;
    refresh();
    const timer = setInterval(refresh, AGAIN_MS);
    return () => clearInterval(timer);
  }, [isOnline, here, refresh]);
  return useMemo(() => ({
    known: new Map(known.map((one) => [one.peerId, one])), blocked: new Map((blocked?.blocked ?? NOBODY).map((ban) => [ban.subject, ban])),
    list: blocked?.blocked ?? NOBODY, total: blocked?.total ?? 0, isOffered: blocked !== undefined, refresh,
  }), [known, blocked, refresh]);
}

export interface CheckView {
  /** Absent before the first one. */
  readonly check: NetCheck | undefined;
  readonly error: WireError | undefined;
  readonly isRunning: boolean;
  readonly start: (target?: string) => void;
  readonly stop: () => void;
}

/** A check of the network, followed until it is over; ended with the view. */
export function useNetCheck(): CheckView {
  const { client } = useApp();
  const [check, setCheck] = useState<NetCheck>();
  const [error, setError] = useState<WireError>();
  const [isRunning, setRunning] = useState(false);
  const latest = useRef<{ id?: string; turn: number }>({ turn: 0 });
  const stop = useCallback((): void => {
    const { id } = latest.current;
    if (id !== undefined) client.call('network.cancelCheck', { checkId: id }).catch(() => undefined);
  }, [client]);
  const start = useCallback((target?: string): void => {
    const turn = (latest.current = { turn: latest.current.turn + 1 }) as { id?: string; turn: number };
    const isMine = (): boolean => latest.current === turn;
    const follow = async (): Promise<void> => {
      const { checkId } = await client.call('network.check', target === undefined ? {} : { target });
      turn.id = checkId;
      // Nobody waits for it any more; a newer check ends it, the end of the view does not.
      if (!isMine()) client.call('network.cancelCheck', { checkId }).catch(() => undefined);
      for (let seen = 0, isOver = false; !isOver && isMine();) {
        const state = await client.call('network.checked', { checkId, seen });
        if (isMine()) setCheck(state);
        [seen, isOver] = [state.revision, state.doing === undefined];
      }
    };
    setCheck(undefined);
    setError(undefined);
    setRunning(true);
    follow().catch((reason: unknown) => { if (isMine() && reason instanceof HostError) setError(reason.wire); }).finally(() => { if (isMine()) setRunning(false); });
  }, [client]);
  useEffect(() => () => {
    stop();
    latest.current = { turn: latest.current.turn + 1 };
  }, [stop]);
  return { check, error, isRunning, start, stop };
}
