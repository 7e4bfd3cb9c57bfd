import { keepPreviousData, QueryClient, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { CommandInput, CommandName, CommandOutput, Economy } from '../../src-preload/bridge/index.ts';
import { useApp, useHost } from './context.ts';

type Asked = Extract<CommandName, `economy.${'ledger' | 'earnings' | 'slashes' | 'transactions'}`>;

/** The host says when to ask again (`revision`), and is there without a network: nothing is asked because a window was looked at. */
export const economyQueries = (): QueryClient => {
  const always = { networkMode: 'always', retry: false } as const;
  return new QueryClient({ defaultOptions: { queries: { ...always, staleTime: Infinity, refetchOnWindowFocus: false, refetchOnReconnect: false, refetchOnMount: false }, mutations: always } });
};

/** What was known stays while it is asked again, and when that fails. */
export function useAsked<N extends Asked>(name: N, input: CommandInput<N>): UseQueryResult<CommandOutput<N>> {
  const { client } = useApp();
  return useQuery({ queryKey: ['economy', name, input], queryFn: () => client.call(name, input), placeholderData: keepPreviousData });
}

/** Asks all of it again when the host says that it changed, or is there again. */
export function useRevisions({ revision, link }: Economy): void {
  const queries = useQueryClient();
  const isOnline = useHost((view) => view.link === 'online');
  const seen = useRef('');
  useEffect(() => {
    const now = `${revision} ${link.status} ${isOnline}`;
    if (seen.current !== '' && seen.current !== now && isOnline) void queries.invalidateQueries({ queryKey: ['economy'] });
    seen.current = now;
  }, [queries, revision, link.status, isOnline]);
}

const TICK_MS = 1_000;

/** The chain's clock: the time of its newest block, and what passed here since it was told. Goes on while `isTicking`. */
export function useChainNow(toldMs: number, isTicking: boolean): number {
  const [anchor, setAnchor] = useState({ toldMs, atMs: performance.now() });
  const [nowMs, setNow] = useState(() => performance.now());
  useEffect(() => {
    const atMs = performance.now();
    setAnchor({ toldMs, atMs });
    setNow(atMs);
  }, [toldMs]);
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [isTicking]);
  return anchor.toldMs + Math.max(0, nowMs - anchor.atMs);
}
