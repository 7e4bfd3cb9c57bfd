import { useCallback, useRef, useState } from 'react';
import { HostError, type WireError } from '../../src-preload/bridge/index.ts';

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
