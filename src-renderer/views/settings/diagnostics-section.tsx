import { useState } from 'react';
import type { Diagnostics } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts, type Texts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { formatBytes } from '../../stores/format.ts';
import { useCommand } from '../../stores/use-command.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { download } from '../../widgets/download.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

/** Of one part, in the page; the file has all. */
const MAX_SHOWN_CHARS = 20_000;

const nameOf = (part: string, texts: Texts['logs']): string => ({
  about: texts.partAbout, program: texts.partProgram, configuration: texts.partConfiguration, overrides: texts.partOverrides, state: texts.partState,
  peers: texts.partPeers, doctor: texts.partDoctor, network: texts.partNetwork, metrics: texts.partMetrics, log: texts.partLog,
})[part] ?? part;

/** One file for whoever helps; shown before it is saved. */
export function DiagnosticsSection() {
  const { logs: texts } = useTexts();
  const { client } = useApp();
  const { isBusy, error, run } = useCommand();
  const [file, setFile] = useState<Diagnostics>();
  const collect = (): void => void run(() => client.call('diagnostics.collect', {}).then(setFile));
  return (
    <>
      <p className="setup-intro">{texts.collectAbout}</p>
      <p className="setup-intro">{texts.collectWarning}</p>
      <div className="setup-actions">
        <button type="button" className={file === undefined ? 'main' : 'quiet'} disabled={isBusy} onClick={collect}>{file === undefined ? texts.collect : texts.again}</button>
        {file !== undefined && <button type="button" className="main" onClick={() => download(file.fileName, file.text)}>{texts.save}</button>}
        {file !== undefined && <CopyButton text={file.text} label={texts.copyAll} />}
        <span role="status">{isBusy && texts.collecting}</span>
      </div>
      {error !== undefined && <ErrorCard error={error} />}
      {file !== undefined && <Inside file={file} />}
    </>
  );
}

function Inside({ file }: { readonly file: Diagnostics }) {
  const { logs: texts } = useTexts();
  const parts = Object.entries(JSON.parse(file.text) as Record<string, unknown>).map(([name, value]) => [name, JSON.stringify(value, undefined, 2)] as const);
  return (
    <section className="inside" aria-labelledby="inside-title">
      <h3 id="inside-title">{texts.inside}</h3>
      <p className="setting-facts"><code>{file.fileName}</code> · {formatBytes(file.text.length)}</p>
      {parts.map(([name, text]) => (
        <details key={name}>
          <summary>{texts.section(nameOf(name, texts), formatBytes(text.length))}</summary>
          <pre tabIndex={0}>{text.slice(0, MAX_SHOWN_CHARS)}{text.length > MAX_SHOWN_CHARS && `\n${texts.cut(formatNumber(text.length - MAX_SHOWN_CHARS))}`}</pre>
        </details>
      ))}
    </section>
  );
}
