import { useEffect, useRef } from 'react';
import { useTexts, type Texts } from '../../language/index.ts';
import { documentUrl, type ShownDocument } from '../../stores/use-documents.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { useWallet } from './wallet-context.ts';

/** Where the host's own document is in which the owner goes on: this page only leads there. */
export function DocumentNotice() {
  const { wallet } = useTexts();
  const { economy: { waiting }, documents: { now, close } } = useWallet();
  if (waiting === 0 && now === undefined) return null;
  const isDecision = now === undefined || now.document === 'consent';
  return (
    <section className="wallet-notice wallet-notice-ask" aria-label={isDecision ? wallet.decide : wallet.documents[now.document]}>
      <div role="status">
        <p><strong>{isDecision ? wallet.waits(Math.max(1, waiting)) : wallet.documents[now.document]}</strong></p>
        {isDecision && <p className="hint">{wallet.waitsText} {waiting > 1 && wallet.waitsMany}</p>}
      </div>
      <Where told={now} texts={wallet} />
      {!isDecision && <button type="button" className="quiet" onClick={close}>{wallet.closeNotice}</button>}
    </section>
  );
}

function Where({ told, texts }: { readonly told: ShownDocument | undefined; readonly texts: Texts['wallet'] }) {
  const { documents: { ask }, acts: { isBusy } } = useWallet();
  const url = documentUrl(told?.shown);
  if (told?.error !== undefined) return told.error.code === 'WALLET_NOT_HERE' ? <NotHere /> : <ErrorCard error={told.error} />;
  if (told?.shown === undefined) return <button type="button" className="main" onClick={() => ask(told?.document ?? 'consent')}>{texts.show}</button>;
  const isDecision = told.document === 'consent';
  if (url === undefined) return <p>{isDecision ? texts.inWindow : texts.goOnWindow} <button type="button" className="quiet" onClick={() => ask(told.document)}>{texts.showAgain}</button></p>;
  return <p>{isDecision ? texts.inTab : texts.goOnTab} <DocumentLink key={told.document} url={url} name={isDecision ? texts.openDecision : texts.openDocument(texts.documents[told.document])} isAsked={!isDecision || isBusy} /></p>;
}

/** Opened by the reader's own click, so that no browser holds it back; the document gets no handle on this page. */
function DocumentLink({ url, name, isAsked }: { readonly url: string; readonly name: string; readonly isAsked: boolean }) {
  const { wallet } = useTexts();
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => { if (isAsked) link.current?.focus(); }, [isAsked]);
  return <a ref={link} className="main wallet-open" href={url} target="_blank" rel="noopener noreferrer">{name}<span aria-hidden="true"> ↗</span><span className="unseen"> ({wallet.newTab})</span></a>;
}

function NotHere() {
  const { wallet } = useTexts();
  return <div className="error"><p><strong>{wallet.notHere}</strong></p><p>{wallet.notHereText}</p></div>;
}
