import { useApp, useHost } from '../../stores/context.ts';
import { useTexts } from '../../language/index.ts';
import { useTask, type Task } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { useState } from 'react';

export interface Switching {
  readonly task: Task<unknown>;
  /** The model that is chosen, and waits for the word on answers under way. */
  readonly asked: string | undefined;
  readonly choose: (id: string) => void;
  readonly decide: (running: 'finish' | 'cancel') => void;
  readonly keep: () => void;
}

/** Choosing the model that answers; where answers are being written, only after the reader said what becomes of them. */
export function useSwitching(onDone?: () => void): Switching {
  const { client } = useApp();
  const answering = useHost((view) => view.state?.activity?.answering ?? 0);
  const [asked, setAsked] = useState<string>();
  const [task, run, forget] = useTask<unknown>();
  const go = (id: string, running: 'finish' | 'cancel'): void => run(client.call('models.use', { id, running }).then(() => {
    setAsked(undefined);
    onDone?.();
  }, (error: unknown) => {
    setAsked(undefined);
    throw error;
  }));
  return {
    task, asked,
    choose: (id) => {
      setAsked(id);
      forget();
      if (answering === 0) go(id, 'finish');
    },
    decide: (running) => { if (asked !== undefined) go(asked, running); },
    keep: () => setAsked(undefined),
  };
}

/** What the choice waits for, and why it failed. */
export function SwitchNotice({ switching: { task, asked, decide, keep } }: { readonly switching: Switching }) {
  const { models } = useTexts();
  const answering = useHost((view) => view.state?.activity?.answering ?? 0);
  const isLoading = useHost((view) => view.state?.status.kind === 'loading');
  const isBusy = task.kind === 'busy';
  return (
    <>
      {asked !== undefined && !isLoading && (answering > 0 || isBusy) && (
        <div className="switch-ask" role="group" aria-label={models.runningTitle}>
          <p role="status">{isBusy ? models.waitingFor : models.running(answering)}</p>
          {!isBusy && <button type="button" className="quiet" onClick={() => decide('finish')} autoFocus>{models.runningFinish}</button>}
          {answering > 0 && <button type="button" className="quiet" onClick={() => decide('cancel')}>{models.runningCancel}</button>}
          {!isBusy && <button type="button" className="quiet" onClick={keep}>{models.runningKeep}</button>}
        </div>
      )}
      {task.kind === 'failed' && <ErrorCard error={task.error} />}
    </>
  );
}
