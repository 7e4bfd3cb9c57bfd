import { useEffect, useRef, useState, type FormEvent } from 'react';
import { bridgeErrors, HostError, type WireError } from '../../../src-preload/bridge/index.ts';
import { addFile, givesPaths } from '../../host/add-file.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useTask } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

/** A place to drop model files, a button for those who do not drop, and a field for a file on the node's own machine. */
export function AddFiles() {
  const { client } = useApp();
  const texts = useTexts().models;
  const isOnline = useHost((view) => view.link === 'online');
  const input = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<Pick<WireError, 'code' | 'message' | 'next'>>();
  const add = async (files: readonly File[]): Promise<void> => {
    setError(undefined);
    // One that is refused is no reason to leave the others out.
    for (const file of files) {
      if (/\.gguf$/i.test(file.name)) await addFile(client, file).catch((failure: unknown) => setError(failure instanceof HostError ? failure.wire : bridgeErrors.disconnected().wire));
      else setError({ code: 'GGUF_BAD_MAGIC', message: texts.notGguf(file.name), next: texts.notGgufNext });
    }
  };
  const isOver = useDrop((files) => void add(files));
  return (
    <section className={isOver ? 'card drop-card drop-over' : 'card drop-card'} aria-label={texts.add}>
      <svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true"><path className="place-icon" d="M12 16V4M7 9l5-5l5 5M4 16v4h16v-4" /></svg>
      <p className="drop-words"><strong>{texts.dropHere}</strong><span>{givesPaths() ? texts.dropTextPath : texts.dropText}</span></p>
      <button type="button" className="quiet strong" disabled={!isOnline} onClick={() => input.current?.click()}>{texts.choose}</button>
      <input ref={input} type="file" accept=".gguf" multiple hidden data-testid="model-file" onChange={(event) => {
        void add([...event.target.files ?? []]);
        // The same file once more is another choice.
        event.target.value = '';
      }} />
      {!givesPaths() && <ByPath />}
      {error !== undefined && <ErrorCard error={error} />}
    </section>
  );
}

function ByPath() {
  const { client } = useApp();
  const texts = useTexts().models;
  const [path, setPath] = useState('');
  const [task, run] = useTask<unknown>();
  const add = (event: FormEvent): void => {
    event.preventDefault();
    run(client.call('models.addPath', { path: path.trim() }).then(() => setPath('')));
  };
  return (
    <form className="drop-path" onSubmit={add}>
      <label htmlFor="model-path">{texts.byPath}</label>
      <div className="find"><input id="model-path" value={path} maxLength={4_096} placeholder={texts.pathHint} autoComplete="off" spellCheck={false} onChange={(event) => setPath(event.target.value)} /><button type="submit" className="quiet" disabled={path.trim() === '' || task.kind === 'busy'}>{texts.addPath}</button></div>
      {task.kind === 'failed' && <ErrorCard error={task.error} />}
    </form>
  );
}

/** Files may be dropped anywhere on the page while it is shown; returns whether some are held over it. */
function useDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  const latest = useRef(onFiles);
  useEffect(() => { latest.current = onFiles; });
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => { if (event.relatedTarget === null) setOver(false); };
    const drop = (event: DragEvent): void => {
      setOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      latest.current([...event.dataTransfer?.files ?? []]);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }, []);
  return isOver;
}
