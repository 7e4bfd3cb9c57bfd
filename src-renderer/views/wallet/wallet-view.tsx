import { lazy, Suspense, useEffect, useEffectEvent } from 'react';
import type { ChainLinkInfo } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

// Wagmi, viem and react-query come with the place, and only where there is a chain.
const WalletHome = lazy(async () => ({ default: (await import('./wallet-home.tsx')).WalletHome }));

/** Chain, wallet and ledger of this node; where there is no chain, that, and what it means. */
export function WalletView() {
  const { wallet } = useTexts();
  const economy = useHost(({ state }) => state?.economy);
  const network = economy?.network;
  if (economy === undefined) return <NoChain />;
  if (network === undefined) return <OpeningChain link={economy.link} />;
  return (
    <Suspense fallback={<main className="wallet" aria-label={wallet.title}><p className="hint" role="status">{wallet.loading}</p></main>}>
      <WalletHome key={`${network.kind} ${network.chainId} ${economy.wallet.status === 'none' ? '' : economy.wallet.address}`} economy={economy} network={network} />
    </Suspense>
  );
}

/** The host opens its chain when somebody looks. */
function OpeningChain({ link }: { readonly link: ChainLinkInfo }) {
  const { wallet } = useTexts();
  const { client } = useApp();
  const isOnline = useHost((view) => view.link === 'online');
  const { run } = useCommand();
  const open = (): void => void run(() => client.call('economy.get', {}));
  const opening = useEffectEvent(open);
  useEffect(() => { if (isOnline) opening(); }, [isOnline]);
  const isDown = link.status === 'down' || link.status === 'wrong-network';
  return (
    <main className={isDown ? 'wallet wallet-alone' : 'wallet'} aria-label={wallet.title}>
      {isDown
        ? <section className="card wallet-none"><h2>{wallet.notOpened}</h2><ErrorCard error={link.error} /><button type="button" className="main" onClick={open}>{wallet.openAgain}</button></section>
        : <p className="wallet-notice" role="status">{wallet.starting}</p>}
    </main>
  );
}

function NoChain() {
  const { wallet } = useTexts();
  return (
    <main className="wallet wallet-alone" aria-label={wallet.title}>
      <section className="card wallet-none">
        <svg viewBox="0 0 24 24" width="44" height="44" aria-hidden="true"><path d="M4 7h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 7l11-3v3M15.5 13h.01" className="place-icon" /></svg>
        <h2>{wallet.none}</h2>
        <p>{wallet.means}</p>
        <h3>{wallet.free}</h3>
        <p>{wallet.freeText}</p>
        <h3>{wallet.later}</h3>
        <p>{wallet.laterText}</p>
      </section>
    </main>
  );
}
