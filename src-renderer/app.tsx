import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { language, useTexts } from './language/index.ts';
import { CommandCenter } from './views/command-center.tsx';
import { FirstRun } from './views/first-run.tsx';
import { LinkBanner } from './views/link-banner.tsx';
import { OfferedLinkPanel } from './views/offered-link.tsx';
import { PLACES, type Place } from './views/places.tsx';
import { Rail } from './views/rail.tsx';
import { Sidebar } from './views/sidebar.tsx';
import { StatusBar } from './views/status-bar.tsx';
import { UpdateLine } from './views/update-line.tsx';

/** The page, in its language. */
export function App() {
  const code = useStore(language, (now) => now.code);
  const [place, setPlace] = useState<Place>('chat');
  // Drawn anew in another language: texts are also made outside of components.
  return <Frame key={code} place={place} setPlace={setPlace} />;
}

interface FrameProps {
  readonly place: Place;
  readonly setPlace: (place: Place) => void;
}

/** The frame: the rail of places (and the conversations) beside, who this node is above, and one place. */
function Frame({ place, setPlace }: FrameProps) {
  const { frame } = useTexts();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const go = (to: Place): void => {
    setPlace(to);
    setMenuOpen(false);
  };
  useKeys(setPlace, isMenuOpen ? () => setMenuOpen(false) : undefined);
  const View = PLACES.find((entry) => entry.place === place)?.view;
  return (
    <div className={isMenuOpen ? 'frame frame-open' : 'frame'}>
      {place === 'chat' && <a className="skip" href="#question">{frame.skipToQuestion}</a>}
      <aside className="side" aria-label={frame.sides}>
        <Rail place={place} onGo={go} />
        {place === 'chat' && <Sidebar onGo={go} />}
      </aside>
      {isMenuOpen && <button type="button" className="backdrop" aria-label={frame.closeMenu} onClick={() => setMenuOpen(false)} />}
      <div className="stage-area">
        <StatusBar isMenuOpen={isMenuOpen} onMenu={() => setMenuOpen(!isMenuOpen)} onPeers={() => go(place === 'network' ? 'chat' : 'network')} onWallet={() => go('wallet')} />
        <LinkBanner />
        <UpdateLine />
        <OfferedLinkPanel />
        <FirstRun />
        {View !== undefined && <View onGo={go} />}
      </div>
      <CommandCenter onGo={go} />
    </div>
  );
}

function useKeys(go: (place: Place) => void, onEscape: (() => void) | undefined): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onEscape?.();
      // The digit's key, wherever it is: on a Mac, Alt writes another character.
      const to = event.altKey && !event.ctrlKey && !event.metaKey ? PLACES[Number(/^Digit([1-9])$/.exec(event.code)?.[1]) - 1] : undefined;
      if (to === undefined) return;
      event.preventDefault();
      go(to.place);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [go, onEscape]);
}
