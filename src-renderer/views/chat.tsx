import { useEffect, useRef } from 'react';
import { useApp, useConversation, useHost } from '../stores/context.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { Composer, type ComposerHandle } from './composer.tsx';
import { EmptyState } from './empty-state.tsx';
import { Transcript } from './transcript.tsx';

export function Chat() {
  const { conversation } = useApp();
  const turns = useConversation((c) => c.turns);
  const status = useHost((view) => view.state?.status);
  const isOnline = useHost((view) => view.link === 'online');
  const composer = useRef<ComposerHandle>(null);
  const isRunning = turns.some((turn) => turn.isRunning);
  const canAsk = isOnline && status?.kind === 'ready';
  useEscape(isRunning, () => void conversation.stop());
  const ask = (question: string): void => {
    void conversation.ask(question);
    composer.current?.focus();
  };
  return (
    <main className="chat">
      {turns.length === 0 ? <EmptyState onAsk={ask} isDisabled={!canAsk} /> : <Transcript turns={turns} canAsk={canAsk && !isRunning} />}
      <div className="chat-foot">
        {status?.kind === 'error' && <ErrorCard error={status} />}
        <Composer ref={composer} canAsk={canAsk} isRunning={isRunning} onAsk={ask} onStop={() => void conversation.stop()} />
      </div>
    </main>
  );
}

function useEscape(isActive: boolean, stop: () => void): void {
  const latest = useRef(stop);
  useEffect(() => {
    latest.current = stop;
  });
  useEffect(() => {
    if (!isActive) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.defaultPrevented) latest.current();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isActive]);
}
