import { useEffect, useRef, type RefObject } from 'react';
import { useApp, useCanAsk, useConversation, useHost } from '../stores/context.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { Composer } from './composer.tsx';
import { TurnView } from './turn-view.tsx';

const SUGGESTIONS = ['How does OmniNode split a model?', 'How do I join with a second machine?', 'What is SUM used for?', 'Who can see what I ask?'];
/** The name in the file of the model that ships with the app and knows only the app. */
const BUILT_IN_MODEL = 'OmniNode Guide';
/** Closer to the end than this, new text keeps the view at the end. */
const NEAR_END_PX = 80;

/** The conversation and the question below it. */
export function ChatView() {
  const turns = useConversation((chat) => chat.turns);
  const status = useHost((view) => view.state?.status);
  const scroller = useRef<HTMLElement>(null);
  useStickToEnd(scroller, turns);
  return (
    <main className="chat">
      <section className="chat-turns" ref={scroller} tabIndex={0} aria-label="Conversation">
        {turns.length === 0 ? <Welcome /> : turns.map((turn) => <TurnView key={turn.id} turn={turn} />)}
      </section>
      {status?.kind === 'error' && <div className="host-error"><ErrorCard error={status} /></div>}
      <Composer />
    </main>
  );
}

function Welcome() {
  const { conversation } = useApp();
  const canAsk = useCanAsk();
  const model = useHost((view) => view.state?.info.model?.name);
  const isGuide = model === BUILT_IN_MODEL;
  return (
    <div className="welcome">
      <h2>{isGuide ? 'Ask the model inside' : 'Ask anything'}</h2>
      <p>{isGuide ? 'A small guide to OmniNode that ships with it and works offline. It knows this software and nothing else.' : `${model ?? 'The model'} answers, layer range by layer range, on the machines above.`}</p>
      <ul>
        {SUGGESTIONS.map((question) => <li key={question}><button type="button" className="suggestion" disabled={!canAsk} onClick={() => void conversation.ask(question)}>{question}</button></li>)}
      </ul>
    </div>
  );
}

// Whoever scrolled up to read stays there.
function useStickToEnd(scroller: RefObject<HTMLElement | null>, changed: unknown): void {
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = scroller.current;
    const onScroll = (): void => {
      if (element !== null) isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    };
    element?.addEventListener('scroll', onScroll, { passive: true });
    return () => element?.removeEventListener('scroll', onScroll);
  }, [scroller]);
  useEffect(() => {
    const element = scroller.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [scroller, changed]);
}
