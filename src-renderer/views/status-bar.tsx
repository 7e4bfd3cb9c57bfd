import type { HostStatus } from '../../src-preload/bridge/index.ts';
import { useApp, useConversation, useHost } from '../stores/context.ts';
import { formatBytes, shortPeer } from '../stores/format.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { Logo } from '../widgets/logo.tsx';
import { Peers } from './peers.tsx';

/** Name, model, peer id and state of this node; a new chat. */
export function StatusBar() {
  const { conversation } = useApp();
  const info = useHost((view) => view.state?.info);
  const status = useHost((view) => view.state?.status);
  const hasTurns = useConversation((chat) => chat.turns.length > 0);
  return (
    <header className="bar">
      <Logo />
      <h1 className="bar-name">OmniNode</h1>
      {info !== undefined && info.name !== 'OmniNode' && <span className="bar-node"><span className="unseen">Node </span>{info.name}</span>}
      {status !== undefined && <StatusPill status={status} />}
      <div className="bar-facts">
        {info?.model !== undefined && <span title={`${info.model.layers} layers, context of ${info.model.contextTokens} tokens`}>{info.model.name} · {formatBytes(info.model.sizeBytes)}</span>}
        {info?.peerId !== undefined && <span className="bar-peer">peer <code>{shortPeer(info.peerId)}</code><CopyButton text={info.peerId} label="Copy peer id" /></span>}
        <Peers />
      </div>
      {hasTurns && <button type="button" className="quiet" onClick={() => conversation.clear()}>New chat</button>}
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
