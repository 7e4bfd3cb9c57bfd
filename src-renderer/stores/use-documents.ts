import { useCallback, useEffect, useRef, useState } from 'react';
import { HostError, type CommandInput, type CommandOutput, type Economy, type WireError } from '../../src-preload/bridge/index.ts';
import { useApp } from './context.ts';

export type WalletDocument = CommandInput<'wallet.show'>['document'];

export interface ShownDocument {
  readonly document: WalletDocument;
  readonly shown?: CommandOutput<'wallet.show'>;
  readonly error?: WireError;
}

export interface Documents {
  /** The last one asked for, until it is done or closed. */
  readonly now: ShownDocument | undefined;
  readonly ask: (document: WalletDocument) => void;
  readonly close: () => void;
}

/** A link is the host's, and leads to a page of it or nowhere. */
export const documentUrl = (shown: ShownDocument['shown']): string | undefined => (shown?.where === 'link' && /^https?:\/\//i.test(shown.url) ? shown.url : undefined);

/** The host's own documents, as far as the page has to do with them: it asks for one, and says where it is. */
export function useDocuments({ wallet, waiting }: Economy, isDeciding: boolean): Documents {
  const { client } = useApp();
  const [now, setNow] = useState<ShownDocument>();
  const latest = useRef(0);
  const ask = useCallback((document: WalletDocument): void => {
    const turn = (latest.current += 1);
    const put = (told: Omit<ShownDocument, 'document'>): void => { if (latest.current === turn) setNow({ document, ...told }); };
    client.call('wallet.show', { document }).then((shown) => put({ shown }), (error: unknown) => { if (error instanceof HostError) put({ error: error.wire }); });
  }, [client]);
  const close = useCallback((): void => {
    latest.current += 1;
    setNow(undefined);
  }, []);
  // A window comes up by itself only after something was asked for here; a link costs nothing.
  const opensItself = window.host === undefined || isDeciding;
  useEffect(() => {
    if (waiting > 0 && opensItself) ask('consent');
    if (waiting === 0) setNow((old) => (old?.document === 'consent' ? undefined : old));
  }, [waiting, opensItself, ask]);
  // What the document was for is done.
  const known = JSON.stringify(wallet);
  useEffect(() => setNow((old) => (old?.document === 'consent' ? old : undefined)), [known]);
  return { now, ask, close };
}
