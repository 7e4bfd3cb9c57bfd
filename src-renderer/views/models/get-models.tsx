import { useEffect, useId, useState, type FormEvent } from 'react';
import { MODEL_LIMITS, type CommandOutput, type Fit, type HubHit } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { formatBytes } from '../../stores/format.ts';
import { useTask } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { FitBadge } from './fit-badge.tsx';

type Suggested = CommandOutput<'models.suggested'>;

/** Models that could be here: what the hub finds, else those that the app knows of. */
export function GetModels() {
  const { client } = useApp();
  const texts = useTexts().models;
  const lookup = useId();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [found, search, forget] = useTask<CommandOutput<'models.search'>>();
  const onSearch = (event: FormEvent): void => {
    event.preventDefault();
    setAsked(text.trim());
    search(client.call('models.search', { lookup, text }));
  };
  const stop = (): void => {
    forget();
    void client.call('models.stopLookup', { lookup }).catch(() => undefined);
  };
  return (
    <section className="card" aria-label={texts.more}>
      <h2>{texts.more}</h2>
      <form className="find" role="search" onSubmit={onSearch}>
        <label className="unseen" htmlFor="model-search">{texts.search}</label>
        <input id="model-search" type="search" value={text} maxLength={MODEL_LIMITS.maxSearchChars} placeholder={texts.searchHint} autoComplete="off" spellCheck={false} onChange={(event) => { setText(event.target.value); if (event.target.value === '') stop(); }} />
        {found.kind === 'busy' ? <button type="button" className="quiet" onClick={stop}>{texts.searchStop}</button> : <button type="submit" className="quiet strong" disabled={text.trim() === ''}>{texts.searchGo}</button>}
      </form>
      <div aria-live="polite">
        {found.kind === 'busy' && <p className="muted">{texts.searching}</p>}
        {found.kind === 'done' && <p className="muted">{found.value.hits.length === 0 ? texts.searchNone(asked) : texts.results(found.value.hits.length)}</p>}
      </div>
      {found.kind === 'failed' && <><ErrorCard error={found.error} /><p className="muted">{texts.offline}</p></>}
      {found.kind === 'done' && found.value.hits.length > 0 ? <ul className="models">{found.value.hits.map((hit) => <Repository key={hit.repo} hit={hit} />)}</ul> : <SuggestedModels />}
    </section>
  );
}

function SuggestedModels() {
  const { client } = useApp();
  const texts = useTexts().models;
  const isOnline = useHost((view) => view.link === 'online');
  const revision = useHost((view) => view.state?.models?.revision);
  const [list, setList] = useState<Suggested>();
  useEffect(() => {
    let isCurrent = true;
    if (isOnline) client.call('models.suggested', {}).then((suggested) => { if (isCurrent) setList(suggested); }, () => undefined);
    return () => { isCurrent = false; };
  }, [client, isOnline, revision]);
  if (list === undefined) return null;
  return (
    <>
      <h3 className="list-head">{texts.suggested}</h3>
      <ul className="models models-dense">
        {list.models.map(({ name, source, repo, sizeBytes, architecture, license, fit, isHeld }) => (
          <li key={source} className="model offer">
            <div className="model-head"><h4>{name}</h4><FitBadge fit={fit} /></div>
            <p className="model-facts">{[formatBytes(sizeBytes), architecture, ...(license === undefined ? [] : [texts.license(license)]), repo].join(' · ')}</p>
            <DownloadButton name={name} source={source} sizeBytes={sizeBytes} fit={fit} isHeld={isHeld} />
          </li>
        ))}
      </ul>
      <p className="muted">{texts.suggestedAsOf(list.asOf)}</p>
    </>
  );
}

interface DownloadButtonProps {
  readonly name: string;
  readonly source: string;
  readonly sizeBytes: number;
  readonly fit: Fit;
  readonly isHeld: boolean;
}

function DownloadButton({ name, source, sizeBytes, isHeld }: DownloadButtonProps) {
  const { client } = useApp();
  const texts = useTexts().models;
  const [task, run] = useTask<unknown>();
  const row = useHost((view) => view.state?.models?.downloads.findLast((one) => one.source === source));
  const isUnderWay = row?.state === 'running' || row?.state === 'paused';
  if (isHeld) return <span className="badge badge-done offer-do">{texts.isHere}</span>;
  return (
    <>
      <button type="button" className="quiet offer-do" aria-label={isUnderWay ? texts.ofDownload(texts.downloading, name) : texts.downloadNamed(name, formatBytes(sizeBytes))} disabled={isUnderWay || task.kind === 'busy'} onClick={() => run(client.call('models.download', { source }))}>{isUnderWay ? texts.downloading : texts.download}</button>
      {task.kind === 'failed' && <ErrorCard error={task.error} />}
    </>
  );
}

function Repository({ hit: { repo, downloads, license, isGated } }: { readonly hit: HubHit }) {
  const { client } = useApp();
  const texts = useTexts().models;
  const lookup = useId();
  const [isOpen, setOpen] = useState(false);
  const [task, run, forget] = useTask<CommandOutput<'models.files'>>();
  const toggle = (): void => {
    setOpen(!isOpen);
    if (!isOpen) return run(client.call('models.files', { lookup, repo }));
    forget();
    void client.call('models.stopLookup', { lookup }).catch(() => undefined);
  };
  const facts = [texts.downloadsCount(formatNumber(downloads)), ...(license === undefined ? [] : [texts.license(license)]), ...(isGated ? [texts.gated] : [])];
  return (
    <li className="model offer">
      <div className="model-head"><h3>{repo}</h3></div>
      <p className="model-facts">{facts.join(' · ')}</p>
      <button type="button" className="quiet offer-do" aria-expanded={isOpen} aria-label={`${isOpen ? texts.hideFiles : texts.showFiles}: ${repo}`} onClick={toggle}>{isOpen ? texts.hideFiles : texts.showFiles}</button>
      {isOpen && (
        <div className="offer-files" role="group" aria-label={texts.filesOf(repo)}>
          {task.kind === 'busy' && <p className="muted" role="status">{texts.searching}</p>}
          {task.kind === 'failed' && <ErrorCard error={task.error} />}
          {task.kind === 'done' && task.value.files.length === 0 && <p className="muted">{texts.noFiles}</p>}
          {task.kind === 'done' && task.value.isCut && <p className="muted">{texts.filesCut}</p>}
          {task.kind === 'done' && (
            <ul className="models models-dense">
              {task.value.files.map(({ source, name, quantization, sizeBytes, parts, fit, isHeld }) => (
                <li key={source} className="model offer">
                  <div className="model-head"><h4>{quantization ?? name}</h4><FitBadge fit={fit} /></div>
                  <p className="model-facts">{[formatBytes(sizeBytes), ...(parts > 1 ? [texts.parts(parts)] : []), ...(quantization === undefined ? [] : [name])].join(' · ')}</p>
                  <DownloadButton name={name} source={source} sizeBytes={sizeBytes} fit={fit} isHeld={isHeld} />
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </li>
  );
}
