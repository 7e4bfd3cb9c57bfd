import { lazy, Suspense, useState } from 'react';
import type { Earnings as Earned } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts } from '../../language/index.ts';
import { useAsked } from '../../stores/use-economy.ts';
import { Amount } from './amount.tsx';
import { ByNode, Sessions } from './earned-tables.tsx';
import { Failed } from './failed.tsx';
import { Empty, WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

// The drawing library is a chunk of its own, shared with the pipeline.
const EarningsChart = lazy(async () => ({ default: (await import('./earnings-chart.tsx')).EarningsChart }));

const WINDOWS = [7, 30, 90, 365] as const;
const DAY_MS = 86_400_000;

/** What this node and account earned in a window, by time, session and node. */
export function Earnings() {
  const { earnings } = useTexts();
  const { source, account } = useWallet();
  const ofAccount = source === 'browser' && account !== undefined ? { account } : {};
  const [days, setDays] = useState<(typeof WINDOWS)[number]>(30);
  const { data, error, isPlaceholderData } = useAsked('economy.earnings', { windowMs: days * DAY_MS, ...ofAccount });
  const choice = (
    <div className="window-choice" role="group" aria-label={earnings.window}>
      {WINDOWS.map((one) => <button key={one} type="button" className="quiet" aria-pressed={one === days} onClick={() => setDays(one)}>{earnings.windows[one]}</button>)}
    </div>
  );
  return (
    <WalletCard id="earnings" title={earnings.title} tools={choice} isWide isActed>
      {error !== null && data === undefined && <Failed error={error} />}
      {data === undefined ? error === null && <Empty title={earnings.loading} /> : <div aria-busy={isPlaceholderData}><Told earned={data} /></div>}
    </WalletCard>
  );
}

function Told({ earned }: { readonly earned: Earned }) {
  const { earnings } = useTexts();
  const { points, sessions, byNode } = earned;
  const isEmpty = sessions.length === 0 && points.every(({ pay, reward }) => pay === '0' && reward === '0');
  return (
    <>
      <Figures earned={earned} />
      {isEmpty && <Empty title={earnings.empty} text={earnings.emptyText} />}
      {!isEmpty && points.length > 0 && <Suspense fallback={<p className="hint" role="status">{earnings.loading}</p>}><EarningsChart earned={earned} /></Suspense>}
      {sessions.length > 0 && <Sessions sessions={sessions} />}
      {byNode.length > 0 && <ByNode nodes={byNode} />}
    </>
  );
}

function Figures({ earned: { settled, pending, realisedApr } }: { readonly earned: Earned }) {
  const { earnings } = useTexts();
  return (
    <dl className="ledger-places earned">
      <div className="ledger-place"><dt>{earnings.settled}</dt><dd><Amount units={settled} /></dd><dd className="wallet-aside">{earnings.settledText}</dd></div>
      <div className="ledger-place"><dt>{earnings.pending}</dt><dd><Amount units={pending} /></dd><dd className="wallet-aside">{earnings.pendingText}</dd></div>
      <div className="ledger-place">
        <dt>{earnings.apr}</dt>
        <dd>{realisedApr === undefined ? earnings.aprNone : `${formatNumber(realisedApr.value * 100, 1)} %`}</dd>
        <dd className="wallet-aside">{realisedApr === undefined ? earnings.aprWhy : earnings.aprText(Math.max(1, Math.round(realisedApr.windowMs / DAY_MS)))}</dd>
      </div>
    </dl>
  );
}
