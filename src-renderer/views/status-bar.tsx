import type { HostStatus, LoadingStep } from '../../src-preload/bridge/index.ts';
import { formatNumber, useTexts, type Texts } from '../language/index.ts';
import { useHost } from '../stores/context.ts';
import { formatBytes, peerSummary, shortPeer } from '../stores/format.ts';
import { formatUnits } from '../stores/units.ts';
import { peerEntries } from '../stores/peers.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { Logo } from '../widgets/logo.tsx';

interface StatusBarProps {
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
  readonly onPeers: () => void;
  readonly onWallet: () => void;
}

/** Name, model, peer id and state of this node. */
export function StatusBar({ isMenuOpen, onMenu, onPeers, onWallet }: StatusBarProps) {
  const { status: texts, wallet } = useTexts();
  const waiting = useHost((view) => view.state?.economy?.waiting ?? 0);
  const peers = useHost((view) => view.state?.peers);
  const members = useHost((view) => view.state?.members);
  const info = useHost((view) => view.state?.info);
  const status = useHost((view) => view.state?.status);
  return (
    <header className="bar">
      <button type="button" className="quiet menu-button" aria-label={texts.menu} aria-expanded={isMenuOpen} onClick={onMenu}>☰</button>
      <Logo />
      <h1 className="bar-name">OmniNode</h1>
      {info !== undefined && info.name !== 'OmniNode' && <span className="bar-node"><span className="unseen">{texts.node}</span>{info.name}</span>}
      {status !== undefined && <StatusPill status={status} />}
      {waiting > 0 && <button type="button" className="bar-waits" aria-label={wallet.badge(waiting)} onClick={onWallet}><span className="bar-waits-text">{wallet.badge(waiting)}</span><span className="bar-waits-count">{waiting}</span></button>}
      <div className="bar-facts">
        {info?.model !== undefined && <span title={texts.modelFacts(info.model.layers, formatNumber(info.model.contextTokens))}>{info.model.name} · {formatBytes(info.model.sizeBytes)}</span>}
        {info?.peerId !== undefined && <span className="bar-peer">{texts.peer} <code>{shortPeer(info.peerId)}</code><CopyButton text={info.peerId} label={texts.copyPeer} /></span>}
        {peers !== undefined && <button type="button" className="quiet" onClick={onPeers}>{peerSummary(peerEntries({ peers, members }).length)}</button>}
      </div>
    </header>
  );
}

function StatusPill({ status }: { readonly status: HostStatus }) {
  const texts = useTexts().status;
  return (
    <span className={`pill pill-${status.kind}`} role="status">
      {textOf(status, texts)}
    </span>
  );
}

function textOf(status: HostStatus, texts: Texts['status']): string {
  switch (status.kind) {
    case 'starting': return texts.starting;
    case 'loading': return status.step === undefined ? (status.progress === undefined ? texts.loading : texts.loadingShare(Math.round(status.progress * 100))) : stepText(status.step, texts);
    case 'ready': return texts.ready;
    case 'error': return texts.error;
  }
}

export function stepText(step: LoadingStep, texts: Texts['status']): string {
  switch (step.kind) {
    case 'looking': return texts.looking;
    case 'planning': return texts.planning(step.machines);
    case 'fetching': return texts.fetching(shortPeer(step.peerId), Math.round(step.progress * 100));
    case 'opening': return texts.opening(shortPeer(step.peerId));
    case 'paying': return texts.paying(step.machines, formatUnits(step.most).short);
  }
}
