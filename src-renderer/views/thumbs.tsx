import { useState } from 'react';
import type { Rating } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp } from '../stores/context.ts';

/** Strokes in a square of 24, by what is thought. */
const ICONS: Readonly<Record<Rating, string>> = {
  good: 'M7 10v10H4V10zM7 19h9.5a2 2 0 0 0 2-1.6l1.3-6A2 2 0 0 0 17.8 9H14V5.5A2.5 2.5 0 0 0 11.5 3L7 10',
  bad: 'M7 14V4H4v10zM7 5h9.5a2 2 0 0 1 2 1.6l1.3 6a2 2 0 0 1-2 2.4H14v3.5a2.5 2.5 0 0 1-2.5 2.5L7 14',
};

/** What the owner thinks of an answer that was paid for. The pressed one takes it back. */
export function Thumbs({ id, rating }: { readonly id: string; readonly rating: Rating | null }) {
  const { chats } = useApp();
  const { message: texts } = useTexts();
  const [isBusy, setBusy] = useState(false);
  const press = (pressed: Rating): void => {
    // Not disabled meanwhile: the focus would be lost.
    if (isBusy) return;
    setBusy(true);
    void chats.rate(id, pressed === rating ? null : pressed).finally(() => setBusy(false));
  };
  return (
    <span className="thumbs" role="group" aria-label={texts.rate}>
      <span id={`rate-${id}`} hidden>{texts.rateMeans}</span>
      {(['good', 'bad'] as const).map((one) => (
        <button key={one} type="button" className="quiet thumb" aria-pressed={rating === one} aria-describedby={`rate-${id}`} title={texts.rateMeans} onClick={() => press(one)}>
          <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d={ICONS[one]} className="place-icon" /></svg>{texts[one]}
        </button>
      ))}
    </span>
  );
}
