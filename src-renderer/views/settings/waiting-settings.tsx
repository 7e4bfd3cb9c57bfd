import type { Setting } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

interface WaitingProps {
  readonly settings: readonly Setting[];
  readonly onLoaded: (settings: readonly Setting[]) => void;
}

/** How many settings do not count yet, and what makes them. */
export function WaitingSettings({ settings, onLoaded }: WaitingProps) {
  const waiting = (what: Setting['waitsFor']): number => settings.filter(({ waitsFor }) => waitsFor === what).length;
  const [forModel, forRestart] = [waiting('model'), waiting('restart')];
  return (
    <>
      {forModel > 0 && <ForModel count={forModel} onLoaded={onLoaded} />}
      {forRestart > 0 && <ForRestart count={forRestart} />}
    </>
  );
}

function ForModel({ count, onLoaded }: Pick<WaitingProps, 'onLoaded'> & { readonly count: number }) {
  const { client } = useApp();
  const { settings: texts } = useTexts();
  const { isBusy, error, run } = useCommand();
  const load = (): Promise<boolean> => run(async () => {
    const { models } = await client.call('models.list', { ask: false });
    const served = models.find(({ usability }) => usability === 'in-use');
    if (served !== undefined) await client.call('models.use', { id: served.id, running: 'finish' });
    onLoaded((await client.call('settings.get', {})).settings);
  });
  return (
    <div className="setup-note">
      <p role="status">{texts.pendingLoad(count)} {texts.loadAfterAnswers}</p>
      <button type="button" className="quiet" disabled={isBusy} onClick={() => void load()}>{texts.load}</button>
      {error !== undefined && <ErrorCard error={error} />}
    </div>
  );
}

function ForRestart({ count }: { readonly count: number }) {
  const { client } = useApp();
  const { settings: texts } = useTexts();
  const isShell = useHost(({ state }) => state?.info.mode === 'electron');
  const { isBusy, error, run } = useCommand();
  return (
    <div className="setup-note">
      <p role="status">{texts.pending(count)}{!isShell && ` ${texts.restartByHand}`}</p>
      {isShell && <button type="button" className="quiet" disabled={isBusy} onClick={() => void run(() => client.call('desktop.restart', {}))}>{texts.restart}</button>}
      {error !== undefined && <ErrorCard error={error} />}
    </div>
  );
}
