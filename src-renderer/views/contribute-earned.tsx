import { useEffect, useEffectEvent, useState } from 'react';
import type { Earnings } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';
import { useCommand } from '../stores/use-command.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { Amount } from './wallet/amount.tsx';

const DAYS = 30;
const WINDOW_MS = DAYS * 86_400_000;

/** What the chain says that this node brought in; where there is no account or no chain, that. */
export function Earned() {
  const { contribute: texts } = useTexts();
  const economy = useHost(({ state }) => state?.economy);
  const hasAccount = economy?.network !== undefined && economy.wallet.status !== 'none';
  return (
    <>
      <h3>{texts.earned}</h3>
      {hasAccount && <Figures revision={economy.revision} />}
      {hasAccount && economy.network?.kind === 'embedded' && <p className="contribute-note">{texts.testChain}</p>}
      <p className="contribute-note">{economy?.network === undefined ? texts.noChain : texts.inWallet}</p>
    </>
  );
}

function Figures({ revision }: { readonly revision: number }) {
  const { contribute: texts } = useTexts();
  const { client } = useApp();
  const { error, run } = useCommand();
  const [earned, setEarned] = useState<Pick<Earnings, 'settled' | 'pending'>>();
  const ask = useEffectEvent(() => void run(() => client.call('economy.earnings', { windowMs: WINDOW_MS }).then(setEarned)));
  useEffect(() => ask(), [revision]);
  if (error !== undefined) return <ErrorCard error={error} />;
  if (earned === undefined) return <p role="status" className="contribute-note">{texts.earnedAsking}</p>;
  return (
    <table className="figures">
      <thead><tr><td /><th scope="col">{texts.lastDays(DAYS)}</th></tr></thead>
      <tbody>
        <tr><th scope="row">{texts.settled}</th><td><Amount units={earned.settled} /></td></tr>
        <tr><th scope="row">{texts.pending}</th><td><Amount units={earned.pending} /></td></tr>
      </tbody>
    </table>
  );
}
