import { useState } from 'react';
import { HostError, type WireError } from '../../src-preload/bridge/index.ts';

export interface CommandState {
  readonly isBusy: boolean;
  /** Of the last one, while it stands. */
  readonly error: WireError | undefined;
  /** Whether it went well. Never rejects. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

/** One thing at a time, and how it ended; a failure that `failureOf` says nothing of is not shown. */
export function useRun<F>(failureOf: (error: unknown) => F | undefined): { readonly isBusy: boolean; readonly failure: F | undefined; readonly run: CommandState['run'] } {
  const [{ isBusy, failure }, set] = useState<{ readonly isBusy: boolean; readonly failure?: F | undefined }>({ isBusy: false });
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    set({ isBusy: true });
    try {
      await work();
      set({ isBusy: false });
      return true;
    } catch (error) {
      set({ isBusy: false, failure: failureOf(error) });
      return false;
    }
  };
  return { isBusy, failure, run };
}

// Without a connection there is a banner already.
const wireOf = (error: unknown): WireError | undefined => (error instanceof HostError ? error.wire : undefined);

/** One command at a time, and how it ended. */
export function useCommand(): CommandState {
  const { isBusy, failure, run } = useRun(wireOf);
  return { isBusy, error: failure, run };
}
