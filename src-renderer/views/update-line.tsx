import { useState } from 'react';
import { useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';
import { useCommand } from '../stores/use-command.ts';
import { ErrorCard } from '../widgets/error-card.tsx';

/** One quiet line on every place, once a newer version only waits for the app to end. */
export function UpdateLine() {
  const { shell: texts } = useTexts();
  const ready = useHost(({ state }) => (state?.update?.kind === 'ready' ? state.update.version : undefined));
  const [hidden, setHidden] = useState<string>();
  if (ready === undefined || ready === hidden) return null;
  return (
    <div className="banner update-line" role="status">
      <span>{texts.updateReady(ready)}</span>
      <InstallButton />
      <button type="button" className="quiet" onClick={() => setHidden(ready)}>{texts.notNow}</button>
    </div>
  );
}

/** Ends the app, and says why where it cannot. */
export function InstallButton() {
  const { client } = useApp();
  const { shell: texts } = useTexts();
  const { isBusy, error, run } = useCommand();
  return (
    <>
      <button type="button" className="quiet strong" disabled={isBusy} onClick={() => void run(() => client.call('update.install', {}))}>{texts.install}</button>
      {error !== undefined && <ErrorCard error={error} />}
    </>
  );
}
