import { useEffect, useRef, useState } from 'react';
import type { Peer } from '../../src-preload/bridge/index.ts';
import { useHost } from '../stores/context.ts';
import { formatMs, peerSummary, shortPeer } from '../stores/format.ts';
import { InvitePanel } from './invite-panel.tsx';

/** Whom this node is connected to, behind a disclosure in the bar. */
export function Peers() {
  const peers = useHost((view) => view.state?.peers);
  const details = useRef<HTMLDetailsElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const closeOutside = (event: Event): void => {
      if (details.current !== null && !details.current.contains(event.target as Node)) details.current.open = false;
    };
    document.addEventListener('pointerdown', closeOutside);
    return () => document.removeEventListener('pointerdown', closeOutside);
  }, []);
  if (peers === undefined) return null;
  return (
    <details className="peers" ref={details} onToggle={(event) => setOpen(event.currentTarget.open)} onKeyDown={(event) => { if (event.key === 'Escape') event.currentTarget.open = false; }}>
      <summary>{peerSummary(peers)}</summary>
      <div className="peers-panel">
        {peers.length === 0 ? <p>No other node is connected.</p> : <ul>{peers.map((peer) => <PeerRow key={`${peer.peerId} ${peer.address}`} peer={peer} />)}</ul>}
        {isOpen && <InvitePanel />}
      </div>
    </details>
  );
}

const PeerRow = ({ peer }: { readonly peer: Peer }) => (
  <li>
    <code title={peer.peerId}>{shortPeer(peer.peerId)}</code>
    <span className="peer-link">{peer.transport}{peer.rttMs !== undefined && ` · ${formatMs(peer.rttMs)}`}</span>
    <span className="peer-address">{peer.address}</span>
  </li>
);
