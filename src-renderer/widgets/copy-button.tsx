import { useEffect, useState } from 'react';
import { useTexts } from '../language/index.ts';

const SHOWN_MS = 1_500;

/** Copies a text and says so. */
export function CopyButton({ text, label }: { readonly text: string | (() => string); readonly label: string }) {
  const texts = useTexts().message;
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = (): void => void navigator.clipboard.writeText(typeof text === 'string' ? text : text()).then(() => setCopied(true), () => setCopied(false));
  return <button type="button" className="quiet" aria-label={isCopied ? texts.copied : label} onClick={copy}>{isCopied ? texts.copied : texts.copy}</button>;
}
