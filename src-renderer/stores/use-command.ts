import { useState } from 'react';
import { HostError, type WireError } from '../../src-preload/bridge/index.ts';

export interface CommandState {
  readonly isBusy: boolean;
  /** Of the last one, while it stands. */
  readonly error: WireError | undefined;
  /** Whether it went well. Never rejects. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

/** One command at a time, and how it ended. */
export function useCommand(): CommandState {
  const [{ isBusy, error }, set] = useState<{ readonly isBusy: boolean; readonly error?: WireError }>({ isBusy: false });
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    set({ isBusy: true });
    try {
      await work();
      set({ isBusy: false });
      return true;
    } catch (failure) {
      // Without a connection there is a banner already.
      set({ isBusy: false, ...(failure instanceof HostError ? { error: failure.wire } : {}) });
      return false;
    }
  };
  return { isBusy, error, run };
}
