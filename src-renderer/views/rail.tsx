import { useTexts } from '../language/index.ts';
import { useHost } from '../stores/context.ts';
import { PLACES, type Place, type PlaceProps } from './places.tsx';

/** All places, one button each. */
export function Rail({ place, onGo }: PlaceProps & { readonly place: Place }) {
  const texts = useTexts();
  const waiting = useHost(({ state }) => state?.economy?.waiting ?? 0);
  return (
    <nav aria-label={texts.frame.places} className="rail">
      {PLACES.map(({ place: to, name, icon }, index) => (
        <button key={to} type="button" className="place" aria-current={place === to ? 'page' : undefined} aria-keyshortcuts={`Alt+${index + 1}`} onClick={() => onGo(to)}>
          <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d={icon} className="place-icon" /></svg>
          {name(texts)}
          {to === 'wallet' && waiting > 0 && <><span className="place-badge" aria-hidden="true">{waiting}</span><span className="unseen">{texts.wallet.badgeText(waiting)}</span></>}
        </button>
      ))}
    </nav>
  );
}
