import type { WireError } from '../../src-preload/bridge/index.ts';

const sentence = (text: string): string => {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
};

/** What failed, and the step that the reader can take now: in the host’s words. */
export const ErrorCard = ({ error }: { readonly error: Pick<WireError, 'code' | 'message' | 'next'> }) => (
  <div className="error" role="alert" lang="en">
    <p>{sentence(error.message)}</p>
    {error.next !== undefined && <p className="error-next">{sentence(error.next)}</p>}
    <code>{error.code}</code>
  </div>
);
