import { useCallback, useEffect, useRef, useState } from 'react';
import { HostError, type ModelList, type WireError } from '../../../src-preload/bridge/index.ts';
import { useApp, useHost } from '../../stores/context.ts';

/** A command under way, what it ended with, or nothing yet. */
export type Task<T> = { readonly kind: 'idle' } | { readonly kind: 'busy' } | { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: WireError };

/** One command at a time; what was asked before another is not shown any more. */
export function useTask<T>(): [Task<T>, (work: Promise<T>) => void, () => void] {
  const [task, setTask] = useState<Task<T>>({ kind: 'idle' });
  const latest = useRef(0);
  const show = useCallback((next: Task<T>): void => {
    latest.current += 1;
    setTask(next);
  }, []);
  const run = useCallback((work: Promise<T>): void => {
    show({ kind: 'busy' });
    const mine = latest.current;
    const end = (next: Task<T>): void => { if (latest.current === mine) show(next); };
    work.then((value) => end({ kind: 'done', value }), (error: unknown) => end(error instanceof HostError ? { kind: 'failed', error: error.wire } : { kind: 'idle' }));
  }, [show]);
  return [task, run, useCallback(() => show({ kind: 'idle' }), [show])];
}

export interface Listed {
  /** The last one known, also while another is asked for. */
  readonly list: ModelList | undefined;
  readonly error: WireError | undefined;
}

/** The models that are here, asked for again whenever the host says that they changed; with other machines' memory where that matters. */
export function useModelList(isWanted = true): Listed {
  const { client } = useApp();
  const revision = useHost((view) => view.state?.models?.revision);
  const isOnline = useHost((view) => view.link === 'online');
  const served = useHost((view) => view.state?.info.model?.name);
  const [listed, setListed] = useState<Listed>({ list: undefined, error: undefined });
  useEffect(() => {
    if (!isOnline || !isWanted) return undefined;
    let isCurrent = true;
    const ask = async (): Promise<void> => {
      const list = await client.call('models.list', { ask: false });
      if (isCurrent) setListed({ list, error: undefined });
      if (!isCurrent || list.models.every(({ fit }) => fit === undefined || fit.fits === 'here')) return;
      const asked = await client.call('models.list', { ask: true });
      if (isCurrent) setListed({ list: asked, error: undefined });
    };
    ask().catch((error: unknown) => { if (isCurrent && error instanceof HostError) setListed((before) => ({ ...before, error: error.wire })); });
    return () => { isCurrent = false; };
  }, [client, isOnline, isWanted, revision, served]);
  return listed;
}
