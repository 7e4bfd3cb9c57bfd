import { Logo } from '../widgets/logo.tsx';

/** The page was opened without the link's key. */
export function Refused() {
  return (
    <main className="refused">
      <Logo sizePx={56} />
      <h1>This page needs its link</h1>
      <p>OmniNode printed a link when it started. It holds the key to this node: open that link, in this browser, and you are in.</p>
      <p className="hint">The key is new at every start, so an old link or a bookmark does not work.</p>
    </main>
  );
}
