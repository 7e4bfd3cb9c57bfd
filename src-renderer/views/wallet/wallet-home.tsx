import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { WagmiProvider } from 'wagmi';
import type { ChainNetworkInfo, Economy } from '../../../src-preload/bridge/index.ts';
import { followWallet, walletConfig } from '../../host/wallet-connector.ts';
import { useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { economyQueries } from '../../stores/use-economy.ts';
import { Account } from './account.tsx';
import { BrowserWallet } from './browser-wallet.tsx';
import { DocumentNotice } from './document-notice.tsx';
import { Earnings } from './earnings.tsx';
import { Ledger } from './ledger.tsx';
import { LinkNotice, NetworkBadge } from './network-badge.tsx';
import { OutsideSteps } from './outside-steps.tsx';
import { Slashes } from './slashes.tsx';
import { SourceSwitch } from './source-switch.tsx';
import { StakeForms } from './stake-forms.tsx';
import { Said, Transactions } from './transactions.tsx';
import { Unbonding } from './unbonding.tsx';
import { useWalletAsks } from './use-wallet-asks.ts';
import { useWalletModel } from './use-wallet-model.ts';
import { WalletContext } from './wallet-context.ts';

interface WalletHomeProps {
  readonly economy: Economy;
  readonly network: ChainNetworkInfo;
}

/** The wallet on a chain. One of these for each chain and account: nothing of another one stays. */
export function WalletHome({ economy, network }: WalletHomeProps) {
  const { client } = useApp();
  const [config] = useState(() => walletConfig(client, network));
  const [queries] = useState(economyQueries);
  useEffect(() => followWallet(config, economy.wallet), [config, economy.wallet]);
  return (
    <WagmiProvider config={config} reconnectOnMount={false}>
      <QueryClientProvider client={queries}><WalletParts economy={economy} network={network} /></QueryClientProvider>
    </WagmiProvider>
  );
}

function WalletParts({ economy, network }: WalletHomeProps) {
  const { wallet } = useTexts();
  const model = useWalletModel({ economy, network });
  useWalletAsks(model.documents, model.ledger !== undefined);
  const hasWallet = economy.wallet.status !== 'none';
  return (
    <WalletContext value={model}>
      <main className="wallet" aria-label={wallet.title}>
        <header className="wallet-head">
          <NetworkBadge />
          <SourceSwitch />
          <LinkNotice />
          <DocumentNotice />
        </header>
        <div className="wallet-body">
          <Said />
          {model.source === 'host' && <Account />}
          {(hasWallet || model.source === 'browser') && <><Ledger />{model.outside.wallet !== undefined && <OutsideSteps />}<StakeForms /><Unbonding /></>}
          {window.host === undefined && <BrowserWallet />}
          {(hasWallet || model.source === 'browser') && <>{hasWallet && <Transactions />}<Earnings /><Slashes /></>}
          {model.source === 'browser' && <Account />}
        </div>
      </main>
    </WalletContext>
  );
}
