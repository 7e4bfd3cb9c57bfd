import { useEffect, useState } from 'react';
import { ChatView } from './views/chat-view.tsx';
import { LinkBanner } from './views/link-banner.tsx';
import { NetworkView } from './views/network-view.tsx';
import { PipelineStrip } from './views/pipeline-strip.tsx';
import { Sidebar, type Place } from './views/sidebar.tsx';
import { StatusBar } from './views/status-bar.tsx';

/** The frame: the conversations and the places beside, who this node is above, and one place. */
export function App() {
  const [place, setPlace] = useState<Place>('chat');
  const [isMenuOpen, setMenuOpen] = useState(false);
  useEffect(() => {
    if (!isMenuOpen) return undefined;
    const onKey = (event: KeyboardEvent): void => { if (event.key === 'Escape') setMenuOpen(false); };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isMenuOpen]);
  const go = (to: Place): void => {
    setPlace(to);
    setMenuOpen(false);
  };
  return (
    <div className={isMenuOpen ? 'frame frame-open' : 'frame'}>
      {place === 'chat' && <a className="skip" href="#question">Skip to the question</a>}
      <Sidebar place={place} onGo={go} />
      {isMenuOpen && <button type="button" className="backdrop" aria-label="Close the menu" onClick={() => setMenuOpen(false)} />}
      <div className="stage-area">
        <StatusBar isMenuOpen={isMenuOpen} onMenu={() => setMenuOpen(!isMenuOpen)} onPeers={() => go(place === 'network' ? 'chat' : 'network')} />
        <LinkBanner />
        {place === 'chat' ? <><PipelineStrip /><ChatView /></> : <NetworkView onLeave={() => go('chat')} />}
      </div>
    </div>
  );
}
