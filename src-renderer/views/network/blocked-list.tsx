import { useState } from 'react';
import type { Blocked } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { formatUntil, shortPeer } from '../../stores/format.ts';
import type { Judged } from '../../stores/network.ts';
import { BlockForm } from './block-form.tsx';
import { UnblockButton } from './unblock-button.tsx';

interface BlockedListProps {
  readonly judged: Judged;
  readonly nameOf: (peerId: string) => string | undefined;
  readonly onChange: (text: string) => void;
}

/** Whom this node refuses, why and for how long. */
export function BlockedList({ judged, nameOf, onChange }: BlockedListProps) {
  const { network } = useTexts();
  const [isAdding, setAdding] = useState(false);
  const done = (text: string): void => {
    setAdding(false);
    judged.refresh();
    onChange(text);
  };
  const called = (subject: string): string => nameOf(subject) ?? (/[.:]/.test(subject) ? subject : shortPeer(subject));
  return (
    <>
      {judged.list.length === 0 ? <p className="muted">{network.blockedNobody}</p> : (
        <ul className="blocked-list">
          {judged.list.map((ban) => <BlockedRow key={ban.subject} ban={ban} name={called(ban.subject)} onDone={() => done(network.unblockedNow(called(ban.subject)))} />)}
        </ul>
      )}
      {judged.total > judged.list.length && <p className="muted">{network.blockedMore(judged.total - judged.list.length)}</p>}
      {isAdding ? <BlockForm onDone={(subject) => done(network.blockedNow(called(subject)))} onCancel={() => setAdding(false)} />
        : <button type="button" className="quiet" onClick={() => setAdding(true)}>{network.blockOther}</button>}
    </>
  );
}

function BlockedRow({ ban: { subject, reason, untilMs }, name, onDone }: { readonly ban: Blocked; readonly name: string; readonly onDone: () => void }) {
  const { network } = useTexts();
  return (
    <li>
      <div className="blocked-who">
        <strong title={subject}>{name}</strong>
        <span>{untilMs === null ? network.blockedForever : network.blockedUntil(formatUntil(untilMs))}</span>
        {reason !== '' && <span>{reason}</span>}
      </div>
      <UnblockButton subject={subject} name={name} onDone={onDone} />
    </li>
  );
}
