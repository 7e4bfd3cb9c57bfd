import { useEffect } from 'react';
import { useStore } from 'zustand';
import { desk } from '../../stores/desk.ts';
import type { Documents } from '../../stores/use-documents.ts';

/** Does what the palette asked of the wallet: shows a document, or goes to a form. */
export function useWalletAsks({ ask }: Documents, hasForms: boolean): void {
  const asked = useStore(desk, ({ walletAsk }) => walletAsk);
  useEffect(() => {
    if (asked === undefined || ('focus' in asked && !hasForms)) return;
    desk.setState({ walletAsk: undefined });
    if ('document' in asked) ask(asked.document);
    else document.getElementById(asked.focus)?.focus();
  }, [asked, ask, hasForms]);
}
