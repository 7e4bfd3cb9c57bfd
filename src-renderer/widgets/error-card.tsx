import { errorWords, type TellableError } from '../language/error-words.ts';
import { useTexts } from '../language/index.ts';

const sentence = (text: string): string => {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
};

/** What failed, and the step that the reader can take now: in the page's language where it has words for it, else in the host's. */
export function ErrorCard({ error }: { readonly error: TellableError }) {
  const { message, next, isTranslated } = errorWords(error, useTexts().errors);
  return (
    <div className="error" role="alert" lang={isTranslated ? undefined : 'en'}>
      <p>{sentence(message)}</p>
      {next !== undefined && <p className="error-next">{sentence(next)}</p>}
      <code lang="en">{error.code}</code>
    </div>
  );
}
