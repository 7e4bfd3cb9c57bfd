import { lazy, Suspense, useState } from 'react';
import type { CommandOutput } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { useReply } from '../../stores/use-reply.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { Updates } from './updates.tsx';

const MarkdownText = lazy(async () => ({ default: (await import('../../widgets/markdown.tsx')).MarkdownText }));

/** What this is, under which licences, and its documents. */
export function AboutSection() {
  const { about: texts, status } = useTexts();
  const { client } = useApp();
  const info = useHost((view) => view.state?.info);
  const { value: about, error } = useReply('about.get');
  const [open, setOpen] = useState<CommandOutput<'about.document'>>();
  const reading = useCommand();
  if (about === undefined) return error === undefined ? <p className="setup-intro" role="status">{texts.loading}</p> : <ErrorCard error={error} />;
  const read = (id: string): void => void reading.run(() => client.call('about.document', { id }).then(setOpen));
  return (
    <>
      <dl className="facts">
        <dt>{texts.version}</dt><dd>OmniNode {about.version}</dd>
        <dt>{texts.licence}</dt><dd>{about.licence}</dd>
        {info !== undefined && <><dt>{texts.platform}</dt><dd>{texts.platformFacts(info.platform, info.node)}</dd></>}
        {info?.peerId !== undefined && <><dt>{texts.peerId}</dt><dd><code>{info.peerId}</code> <CopyButton text={info.peerId} label={status.copyPeer} /></dd></>}
        <dt>{texts.dataFolder}</dt><dd><code>{about.dataFolder}</code> <CopyButton text={about.dataFolder} label={texts.copyFolder} /></dd>
      </dl>
      <Updates />
      {about.documents.length > 0 && <h3>{texts.documents}</h3>}
      {about.documents.length > 0 && <p className="setup-intro">{texts.documentsHelp}</p>}
      <ul className="documents">{about.documents.map(({ id, title }) => <li key={id}><button type="button" className="quiet" onClick={() => read(id)}>{title}</button></li>)}</ul>
      {reading.error !== undefined && <ErrorCard error={reading.error} />}
      {open !== undefined && <DocumentView title={open.title} text={open.text} onClose={() => setOpen(undefined)} />}
      <details className="parts">
        <summary>{texts.parts(about.parts.length)}</summary>
        <ul aria-label={texts.partsList}>{about.parts.map(({ name, version, licence }) => <li key={name}><span>{name} {version}</span><span>{licence}</span></li>)}</ul>
      </details>
    </>
  );
}

function DocumentView({ title, text, onClose }: { readonly title: string; readonly text: string; readonly onClose: () => void }) {
  const { about: texts } = useTexts();
  return (
    <section className="document card" aria-label={title}>
      <div className="setup-actions"><button type="button" className="quiet" autoFocus onClick={onClose}>{texts.close}</button></div>
      <div className="document-text" tabIndex={0} role="region" aria-label={title}><Suspense><MarkdownText text={text} /></Suspense></div>
    </section>
  );
}
