import { memo } from 'react';
import { useApp, useCanAsk } from '../stores/context.ts';
import type { Turn } from '../stores/conversation.ts';
import { summarise, waitingText } from '../stores/format.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { ErrorCard } from '../widgets/error-card.tsx';

/** A question and its answer. The answer is announced once, when it is complete: not word by word. */
export const TurnView = memo(({ turn }: { readonly turn: Turn }) => (
  <article className="turn" aria-busy={turn.isRunning}>
    <p className="question"><span className="unseen">You asked: </span>{turn.question}</p>
    <div className="answer" data-testid="answer">
      <p className="answer-text"><span className="unseen">Answer: </span>{turn.answer}{turn.isRunning && <span className="caret" aria-hidden="true" />}</p>
      {turn.isRunning && <TurnProgress turn={turn} />}
      {turn.error !== undefined && <ErrorCard error={turn.error} />}
      {!turn.isRunning && <TurnFooter turn={turn} />}
    </div>
    <div className="unseen" aria-live="polite">{turn.finish !== undefined && `Answer complete: ${turn.answer}`}</div>
  </article>
));
TurnView.displayName = 'TurnView';

/** Why no word comes; nothing to see while words do. */
function TurnProgress({ turn: { progress, answer } }: { readonly turn: Turn }) {
  if (progress?.kind === 'waiting') return <p className="turn-progress" role="status">{waitingText(progress.ahead)}</p>;
  if (progress?.kind === 'recovering') return <p className="turn-progress" role="status">A node was lost. Its layers move to another one; the answer then goes on …</p>;
  return answer === '' ? <span className="unseen" role="status">Waiting for the first word</span> : null;
}

function TurnFooter({ turn }: { readonly turn: Turn }) {
  const { conversation } = useApp();
  const canAsk = useCanAsk();
  return (
    <footer className="turn-footer">
      {turn.finish !== undefined && <span>{summarise(turn.finish)}</span>}
      {turn.answer !== '' && <CopyButton text={turn.answer} label="Copy answer" />}
      <button type="button" className="quiet" disabled={!canAsk} onClick={() => void conversation.retry(turn.id)}>Try again</button>
    </footer>
  );
}
