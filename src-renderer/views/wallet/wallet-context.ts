import { createContext, useContext } from 'react';
import type { ChainNetworkInfo, CommandOutput, Economy, SumLedger } from '../../../src-preload/bridge/index.ts';
import type { Acts } from '../../stores/use-acts.ts';
import type { Documents } from '../../stores/use-documents.ts';
import type { Blocked } from '../../stores/wallet.ts';

export interface WalletModel {
  readonly economy: Economy;
  readonly network: ChainNetworkInfo;
  /** Undefined until the chain first answered. */
  readonly ledger: SumLedger | undefined;
  readonly ledgerError: Error | null;
  readonly transactions: CommandOutput<'economy.transactions'>['transactions'];
  readonly documents: Documents;
  readonly acts: Acts;
  /** Why nothing that needs a signature can be asked for now. */
  readonly blocked: Blocked | undefined;
}

export const WalletContext = createContext<WalletModel | undefined>(undefined);

export function useWallet(): WalletModel {
  const wallet = useContext(WalletContext);
  if (wallet === undefined) throw new Error('WalletContext is missing around this component');
  return wallet;
}

