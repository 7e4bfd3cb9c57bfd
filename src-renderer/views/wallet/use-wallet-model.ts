import { useState } from 'react';
import type { ChainNetworkInfo, Economy } from '../../../src-preload/bridge/index.ts';
import { useHost } from '../../stores/context.ts';
import { useActs } from '../../stores/use-acts.ts';
import { useConnectedWallet } from '../../stores/use-browser-wallets.ts';
import { useDocuments } from '../../stores/use-documents.ts';
import { useAsked, useRevisions } from '../../stores/use-economy.ts';
import { useOutside } from '../../stores/use-outside.ts';
import { blockedBy, blockedOutside } from '../../stores/wallet.ts';
import type { Source, WalletModel } from './wallet-context.ts';

const NOTHING_SENT: WalletModel['transactions'] = [];

interface Placed {
  readonly economy: Economy;
  readonly network: ChainNetworkInfo;
}
type Chosen = Pick<WalletModel, 'source' | 'account' | 'outside'>;

/** All that the parts of the wallet show, for the account that was chosen. */
export function useWalletModel({ economy, network }: Placed): WalletModel {
  useRevisions(economy);
  const hostActs = useActs();
  const chosen = useSource({ economy, network });
  const { source, account, outside } = chosen;
  const documents = useDocuments(economy, hostActs.isBusy || outside.acts.isBusy);
  const ledger = useAsked('economy.ledger', source === 'browser' && account !== undefined ? { account } : {});
  const transactions = useAsked('economy.transactions', {}).data?.transactions ?? NOTHING_SENT;
  const blocked = useBlocked({ economy, network }, { chosen, transactions, isBusy: hostActs.isBusy });
  return {
    economy, network, source, account, outside, isOthers: isAnothers(economy, account), transactions, documents, acts: source === 'browser' ? outside.acts : hostActs, blocked,
    // What was known of another account is not this one's.
    ledger: ledger.isPlaceholderData ? undefined : ledger.data, ledgerError: ledger.error,
  };
}

/** The wallet that was chosen, as far as it is there. */
function useSource({ economy, network }: Placed): Chosen {
  const wallet = useConnectedWallet();
  const [wanted, choose] = useState<Source>('host');
  const acts = useOutside(wallet, network);
  const own = economy.wallet.status === 'none' ? undefined : economy.wallet.address;
  const outside = { wallet, acts, choose };
  return wallet !== undefined && (wanted === 'browser' || own === undefined) ? { source: 'browser', account: wallet.account, outside } : { source: 'host', account: own, outside };
}

function useBlocked({ economy, network }: Placed, { chosen: { source, outside }, transactions, isBusy }: { readonly chosen: Chosen; readonly transactions: WalletModel['transactions']; readonly isBusy: boolean }): WalletModel['blocked'] {
  const isOnline = useHost((view) => view.link === 'online');
  if (source === 'browser') return blockedOutside({ isOnline, economy, isOnChain: outside.wallet?.chainId === network.chainId, isBusy: outside.acts.isBusy, hasBegun: outside.acts.begun !== undefined });
  return blockedBy({ isOnline, economy, transactions }) ?? (isBusy ? 'deciding' : undefined);
}

function isAnothers({ node }: Economy, account: string | undefined): boolean {
  const owner = node?.owner ?? null;
  return owner !== null && owner.toLowerCase() !== account?.toLowerCase();
}
