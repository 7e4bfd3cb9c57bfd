import { useState } from 'react';
import type { DownloadRow, Unfinished } from '../../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { formatBytes } from '../../stores/format.ts';
import { useTask } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

const RATES = [1, 5, 20, 100].map((megabytes) => megabytes * 1_000_000);

/** What comes, what waits, and what broke off. */
export function ModelDownloads({ unfinished }: { readonly unfinished: readonly Unfinished[] }) {
  const texts = useTexts().models;
  const downloads = useHost((view) => view.state?.models?.downloads) ?? [];
  // One that is listed above goes on there.
  const stray = unfinished.filter(({ source, isUnderWay }) => !isUnderWay && !downloads.some((row) => ['running', 'paused', 'failed'].includes(row.state) && isSame(row.source, source)));
  if (downloads.length === 0 && stray.length === 0) return null;
  const last = downloads.findLast(({ state }) => state !== 'running' && state !== 'paused');
  return (
    <section className="card" aria-label={texts.downloads}>
      <div className="card-head"><h2>{texts.downloads}</h2><Limit /></div>
      <ul className="models">
        {downloads.map((row) => <Download key={row.id} row={row} />)}
        {stray.map((one) => <BrokenOff key={one.source} one={one} />)}
      </ul>
      <p className="unseen" aria-live="polite">{last !== undefined && texts.announce(nameOf(last), stateOf(last, texts))}</p>
    </section>
  );
}

/** The source of what broke off names the commit; the one that was asked for may not. */
const isSame = (asked: string, source: string): boolean => asked === source || asked === source.replace(/^(hf:[^@]*)@[^/]*/, '$1');
const nameOf = ({ name, source }: DownloadRow): string => name ?? source.split(/[\\/]/).at(-1)?.replace(/\.gguf$/i, '') ?? source;

function stateOf({ state, progress }: DownloadRow, texts: Texts['models']): string {
  if (state === 'running') return progress === undefined ? texts.starting : texts.phase[progress.phase] ?? progress.phase;
  return state === 'paused' ? texts.waiting : texts[state];
}

/** What may be done with a download, by how it stands. */
const VERBS: Readonly<Record<DownloadRow['state'], readonly ('pause' | 'resume' | 'retry' | 'cancel' | 'dismiss')[]>> = {
  running: ['pause', 'cancel'], paused: ['resume', 'cancel'], failed: ['retry', 'dismiss'], done: ['dismiss'], cancelled: ['dismiss'],
};

function Download({ row }: { readonly row: DownloadRow }) {
  const { client } = useApp();
  const texts = useTexts().models;
  const [task, run] = useTask<unknown>();
  const { id, state, progress, kind, error } = row;
  const name = nameOf(row);
  // Only what comes from elsewhere can be put off; what a browser hands over cannot be gone on with.
  const verbs = VERBS[state].filter((verb) => (verb !== 'pause' || kind === 'download') && (verb !== 'retry' || kind !== 'upload'));
  return (
    <li className="model" aria-busy={state === 'running'}>
      <div className="model-head"><h3>{name}</h3><span className={`badge badge-${state}`}>{stateOf(row, texts)}</span></div>
      {progress !== undefined && (state === 'running' || state === 'paused') && <Bar row={row} />}
      {error !== undefined && <ErrorCard error={error} />}
      <div className="model-actions">
        {verbs.map((verb) => <button key={verb} type="button" className="quiet" aria-label={texts.ofDownload(texts[verb], name)} disabled={task.kind === 'busy'} onClick={() => run(client.call(`models.${verb === 'retry' ? 'resume' : verb}`, { id }))}>{texts[verb]}</button>)}
      </div>
      {task.kind === 'failed' && <ErrorCard error={task.error} />}
    </li>
  );
}

function Bar({ row }: { readonly row: DownloadRow }) {
  const texts = useTexts().models;
  const { progress, state } = row;
  if (progress === undefined) return null;
  const { bytesDone, bytesTotal, bytesPerSecond, etaMs, part, parts } = progress;
  const facts = [
    texts.progress(formatBytes(bytesDone), formatBytes(bytesTotal)), parts > 1 ? texts.part(part, parts) : undefined,
    state === 'running' && bytesPerSecond !== undefined ? texts.rate(formatBytes(bytesPerSecond)) : undefined, state === 'running' && etaMs !== undefined ? texts.left(etaMs / 1000) : undefined,
  ].filter((fact) => fact !== undefined);
  return (
    <>
      <progress max={Math.max(1, bytesTotal)} value={bytesDone} aria-label={texts.progressOf(nameOf(row))} />
      <p className="model-facts">{facts.join(' · ')}</p>
    </>
  );
}

function BrokenOff({ one: { source, name, sizeBytes, storedBytes, canResume } }: { readonly one: Unfinished }) {
  const { client } = useApp();
  const texts = useTexts().models;
  const [task, run] = useTask<unknown>();
  return (
    <li className="model">
      <div className="model-head"><h3>{name}</h3><span className="badge badge-paused">{texts.brokenOff}</span></div>
      <progress max={Math.max(1, sizeBytes)} value={storedBytes} aria-label={texts.progressOf(name)} />
      <p className="model-facts">{texts.progress(formatBytes(storedBytes), formatBytes(sizeBytes))}</p>
      <div className="model-actions">
        {canResume && <button type="button" className="quiet strong" aria-label={texts.ofDownload(texts.resume, name)} onClick={() => run(client.call('models.download', { source }))}>{texts.resume}</button>}
        <button type="button" className="quiet" aria-label={texts.ofDownload(texts.drop, name)} onClick={() => run(client.call('models.dropUnfinished', { source }))}>{texts.drop}</button>
      </div>
      {task.kind === 'failed' && <ErrorCard error={task.error} />}
    </li>
  );
}

/** Of all downloads together; kept as long as the node runs. */
function Limit() {
  const { client } = useApp();
  const texts = useTexts().models;
  const limit = useHost((view) => view.state?.models?.bytesPerSecond);
  const [isBusy, setBusy] = useState(false);
  const rates = limit === undefined || RATES.includes(limit) ? RATES : [...RATES, limit];
  const onChange = (value: string): void => {
    setBusy(true);
    void client.call('models.throttle', { bytesPerSecond: value === '' ? null : Number(value) }).then(() => setBusy(false), () => setBusy(false));
  };
  return (
    <label className="limit">{texts.limit}
      <select value={limit ?? ''} disabled={isBusy} onChange={(event) => onChange(event.target.value)}>
        <option value="">{texts.noLimit}</option>
        {rates.map((rate) => <option key={rate} value={rate}>{texts.rate(formatBytes(rate))}</option>)}
      </select>
    </label>
  );
}
