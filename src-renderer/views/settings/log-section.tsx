import { useEffect, useRef, useState } from 'react';
import { LOG_LEVELS, type LogEntry } from '../../../src-preload/bridge/index.ts';
import { formatTime, useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useCalm } from '../../stores/use-calm.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';

/** Lines come faster than they are read, and a line a moment later is asked for with the next. */
const CALM_MS = 500;

type Level = (typeof LOG_LEVELS)[number];

/** The host's log as it goes on: by level, by text, held still, copied. */
export function LogSection() {
  const { logs: texts } = useTexts();
  const [level, setLevel] = useState<Level>('info');
  const [text, setText] = useState('');
  const [isPaused, setPaused] = useState(false);
  const lines = useLines({ level, text, isPaused });
  return (
    <>
      <p className="setup-intro">{texts.about}</p>
      <div className="log-tools">
        <select aria-label={texts.level} value={level} onChange={(event) => setLevel(LOG_LEVELS.find((one) => one === event.target.value) ?? 'info')}>{LOG_LEVELS.map((one) => <option key={one} value={one}>{texts[one]}</option>)}</select>
        <input type="search" aria-label={texts.search} placeholder={texts.search} maxLength={200} value={text} onChange={(event) => setText(event.target.value)} />
        <button type="button" className="quiet" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>{isPaused ? texts.resume : texts.pause}</button>
        <CopyButton text={() => lines?.map(asText).join('\n') ?? ''} label={texts.copy} />
        <span className="log-count" role="status">{isPaused ? texts.isPaused : lines === undefined ? '' : texts.count(lines.length)}</span>
      </div>
      {lines?.length === 0 && <p className="setup-empty">{text === '' && level === 'info' ? texts.none : texts.noneFound}</p>}
      {lines !== undefined && lines.length > 0 && <Lines lines={lines} isPaused={isPaused} />}
    </>
  );
}

function Lines({ lines, isPaused }: { readonly lines: readonly LogEntry[]; readonly isPaused: boolean }) {
  const { logs: texts } = useTexts();
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (element !== null && isAtEnd.current && !isPaused) element.scrollTop = element.scrollHeight;
  }, [lines, isPaused]);
  return (
    <div className="log-lines" ref={box} tabIndex={0} role="region" aria-label={texts.lines} onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => { isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40; }}>
      <ol>
        {lines.map((line) => (
          <li key={line.seq} className={`log-${line.level}`}>
            <time dateTime={new Date(line.atMs).toISOString()}>{formatTime(line.atMs, { timeStyle: 'medium' })}</time>
            <span className="log-level">{line.level}</span>
            <span className="log-text">{line.message}{line.details !== '' && <code>{line.details}</code>}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const asText = ({ atMs, level, message, details }: LogEntry): string => `${new Date(atMs).toISOString()} ${level} ${message}${details === '' ? '' : ` ${details}`}`;

interface Query {
  readonly level: Level;
  readonly text: string;
  readonly isPaused: boolean;
}

/** The newest lines that fit, asked for again when the host says that there are more. Undefined until known. */
function useLines({ level, text, isPaused }: Query): readonly LogEntry[] | undefined {
  const { client } = useApp();
  const isOnline = useHost((view) => view.link === 'online');
  const lastSeq = useCalm(useHost((view) => view.state?.logs?.lastSeq), CALM_MS);
  const [lines, setLines] = useState<readonly LogEntry[]>();
  useEffect(() => {
    if (!isOnline) return undefined;
    client.call('logs.follow', { isOn: true }).catch(() => undefined);
    return () => void client.call('logs.follow', { isOn: false }).catch(() => undefined);
  }, [client, isOnline]);
  useEffect(() => {
    if (!isOnline || isPaused) return undefined;
    let isCurrent = true;
    client.call('logs.list', { level, text }).then((page) => { if (isCurrent) setLines(page.lines); }, () => undefined);
    return () => { isCurrent = false; };
  }, [client, isOnline, isPaused, level, text, lastSeq]);
  return lines;
}
