import { Logo } from '../widgets/logo.tsx';

export const SUGGESTIONS = [
  'What is OmniNode?',
  'How does OmniNode split a model?',
  'How do I contribute my computer?',
  'Why can’t my node find other peers?',
] as const;

interface Props {
  readonly onAsk: (question: string) => void;
  readonly isDisabled: boolean;
}

export function EmptyState({ onAsk, isDisabled }: Props) {
  return (
    <div className="empty">
      <Logo sizePx={64} />
      <h2>One model, many machines</h2>
      <p>Every machine here runs a few layers of the model and hands the result on. Ask something and watch it travel.</p>
      <ul className="suggestions" aria-label="Questions to start with">
        {SUGGESTIONS.map((question) => <li key={question}><button type="button" disabled={isDisabled} onClick={() => onAsk(question)}>{question}</button></li>)}
      </ul>
    </div>
  );
}
