import type { WireError } from '../../src-preload/bridge/index.ts';
import { Icon } from './icons.tsx';

interface Props {
  readonly error: Pick<WireError, 'code' | 'message' | 'next'>;
  readonly onRetry?: (() => void) | undefined;
}

const sentence = (text: string): string => {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
};

/** What failed, and the step the reader can take now. */
export function ErrorCard({ error, onRetry }: Props) {
  return (
    <div className="error-card" role="alert">
      <Icon name="warning" />
      <div className="error-text">
        <p className="error-what">{sentence(error.message)}</p>
        {error.next !== undefined && <p className="error-next">{sentence(error.next)}</p>}
        <p className="error-code">{error.code}</p>
      </div>
      {onRetry !== undefined && <button type="button" className="button" onClick={onRetry}><Icon name="retry" />Try again</button>}
    </div>
  );
}
