import type { HostStatus } from '../../src-preload/bridge/index.ts';
import { useHost } from '../stores/context.ts';
import { formatBytes, peerSummary, shortPeer } from '../stores/format.ts';
import { peerEntries } from '../stores/peers.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { Logo } from '../widgets/logo.tsx';

interface StatusBarProps {
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
  readonly onPeers: () => void;
}

/** Name, model, peer id and state of this node. */
export function StatusBar({ isMenuOpen, onMenu, onPeers }: StatusBarProps) {
  const peers = useHost((view) => view.state?.peers);
  const members = useHost((view) => view.state?.members);
  const info = useHost((view) => view.state?.info);
  const status = useHost((view) => view.state?.status);
  return (
    <header className="bar">
      <button type="button" className="quiet menu-button" aria-label="Conversations and places" aria-expanded={isMenuOpen} onClick={onMenu}>☰</button>
      <Logo />
      <h1 className="bar-name">OmniNode</h1>
      {info !== undefined && info.name !== 'OmniNode' && <span className="bar-node"><span className="unseen">Node </span>{info.name}</span>}
      {status !== undefined && <StatusPill status={status} />}
      <div className="bar-facts">
        {info?.model !== undefined && <span title={`${info.model.layers} layers, context of ${info.model.contextTokens} tokens`}>{info.model.name} · {formatBytes(info.model.sizeBytes)}</span>}
        {info?.peerId !== undefined && <span className="bar-peer">peer <code>{shortPeer(info.peerId)}</code><CopyButton text={info.peerId} label="Copy peer id" /></span>}
        {peers !== undefined && <button type="button" className="quiet" onClick={onPeers}>{peerSummary(peerEntries({ peers, members }).length)}</button>}
      </div>
    </header>
  );
}

function StatusPill({ status }: { readonly status: HostStatus }) {
  return (
    <span className={`pill pill-${status.kind}`} role="status">
      {textOf(status)}
    </span>
  );
}

function textOf(status: HostStatus): string {
  switch (status.kind) {
    case 'starting': return 'Starting';
    case 'loading': return status.progress === undefined ? 'Loading the model' : `Loading the model ${Math.round(status.progress * 100)} %`;
    case 'ready': return 'Ready';
    case 'error': return 'Needs attention';
  }
}
