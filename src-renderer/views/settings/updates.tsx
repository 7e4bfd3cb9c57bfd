import type { UpdateState } from '../../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { InstallButton } from '../update-line.tsx';

function textOf(update: UpdateState, texts: Texts['shell']): string {
  switch (update.kind) {
    case 'off': return texts.updateOff[update.why];
    case 'idle': return texts.updateIdle;
    case 'checking': return texts.updateChecking;
    case 'current': return texts.updateCurrent(update.version);
    case 'downloading': return texts.updateLoading(update.version, Math.round(update.progress * 100));
    case 'ready': return texts.updateReady(update.version);
    case 'failed': return '';
  }
}

/** How the app stands to newer versions of itself; nothing where it is served to a browser. */
export function Updates() {
  const { client } = useApp();
  const { shell: texts } = useTexts();
  const update = useHost((view) => view.state?.update);
  const { isBusy, error, run } = useCommand();
  if (update === undefined) return null;
  const failure = update.kind === 'failed' ? update.error : error;
  return (
    <section className="updates" aria-labelledby="updates-title">
      <h3 id="updates-title">{texts.updates}</h3>
      <div className="setup-actions">
        {update.kind !== 'failed' && <span role="status">{textOf(update, texts)}</span>}
        {['idle', 'current', 'failed'].includes(update.kind) && <button type="button" className="quiet" disabled={isBusy} onClick={() => void run(() => client.call('update.check', {}))}>{texts.check}</button>}
        {update.kind === 'ready' && <InstallButton />}
      </div>
      {update.kind === 'downloading' && <progress max={1} value={update.progress} aria-label={texts.updates} />}
      {failure !== undefined && <ErrorCard error={failure} />}
    </section>
  );
}
