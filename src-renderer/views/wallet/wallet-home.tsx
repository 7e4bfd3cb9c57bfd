import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { WagmiProvider } from 'wagmi';
import type { ChainNetworkInfo, Economy } from '../../../src-preload/bridge/index.ts';
import { followWallet, walletConfig } from '../../host/wallet-connector.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { useActs } from '../../stores/use-acts.ts';
import { useDocuments } from '../../stores/use-documents.ts';
import { economyQueries, useAsked, useRevisions } from '../../stores/use-economy.ts';
import { blockedBy } from '../../stores/wallet.ts';
import { Account } from './account.tsx';
import { BrowserWallet } from './browser-wallet.tsx';
import { DocumentNotice } from './document-notice.tsx';
import { Earnings } from './earnings.tsx';
import { Ledger } from './ledger.tsx';
import { LinkNotice, NetworkBadge } from './network-badge.tsx';
import { Slashes } from './slashes.tsx';
import { StakeForms } from './stake-forms.tsx';
import { Said, Transactions } from './transactions.tsx';
import { Unbonding } from './unbonding.tsx';
import { useWalletAsks } from './use-wallet-asks.ts';
import { WalletContext, type WalletModel } from './wallet-context.ts';

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

const NOTHING_SENT: WalletModel['transactions'] = [];

function useWalletModel({ economy, network }: WalletHomeProps): WalletModel {
  const isOnline = useHost((view) => view.link === 'online');
  useRevisions(economy);
  const acts = useActs();
  const documents = useDocuments(economy, acts.isBusy);
  const ledger = useAsked('economy.ledger', {});
  const transactions = useAsked('economy.transactions', {}).data?.transactions ?? NOTHING_SENT;
  const blocked = blockedBy({ isOnline, economy, transactions }) ?? (acts.isBusy ? 'deciding' : undefined);
  return { economy, network, ledger: ledger.data, ledgerError: ledger.error, transactions, documents, acts, blocked };
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
          <LinkNotice />
          <DocumentNotice />
        </header>
        <div className="wallet-body">
          <Said />
          <Account />
          {hasWallet && <><Ledger /><StakeForms /><Unbonding />{network.kind === 'configured' && window.host === undefined && <BrowserWallet />}<Transactions /><Earnings /><Slashes /></>}
        </div>
      </main>
    </WalletContext>
  );
}
