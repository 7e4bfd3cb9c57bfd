import { useEffect, useState } from 'react';
import { HostError, type Attachment, type WireError } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp } from '../stores/context.ts';
import { formatBytes } from '../stores/format.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { Sheet } from '../widgets/sheet.tsx';

/** What a file says, as the model is told it: part by part. */
export function AttachmentSheet({ attachment: { id, name, sizeBytes, pages, chars }, onClose }: { readonly attachment: Attachment; readonly onClose: () => void }) {
  const { client } = useApp();
  const texts = useTexts().attachments;
  const [wanted, setWanted] = useState(0);
  const [text, setText] = useState('');
  const [error, setError] = useState<WireError>();
  useEffect(() => {
    let isCurrent = true;
    client.call('attachments.text', { id, offset: wanted }).then((part) => {
      if (isCurrent) setText((before) => before.slice(0, wanted) + part.text);
    }, (reason: unknown) => {
      if (isCurrent && reason instanceof HostError) setError(reason.wire);
    });
    return () => { isCurrent = false; };
  }, [client, id, wanted]);
  return (
    <Sheet label={name} className="file-sheet" onClose={onClose}>
      <header>
        <h2>{name}</h2>
        <span className="chip-facts">{[formatBytes(sizeBytes), ...(pages === undefined ? [] : [texts.pages(pages)])].join(' · ')}</span>
        <button type="button" className="quiet" autoFocus onClick={onClose}>{texts.close}</button>
      </header>
      {error !== undefined && <ErrorCard error={error} />}
      {text === '' && error === undefined ? <p role="status">{texts.loading}</p> : <pre tabIndex={0}>{text}</pre>}
      {text !== '' && text.length < chars && <div className="sheet-actions"><button type="button" className="quiet" onClick={() => setWanted(text.length)}>{texts.more}</button></div>}
    </Sheet>
  );
}
