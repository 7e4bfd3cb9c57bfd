import { createContext, useContext } from 'react';
import type { ChainNetworkInfo, CommandOutput, Economy, SumLedger } from '../../../src-preload/bridge/index.ts';
import type { Acts } from '../../stores/use-acts.ts';
import type { OutsideActs, OutsideWallet } from '../../stores/use-outside.ts';
import type { Documents } from '../../stores/use-documents.ts';
import type { Blocked } from '../../stores/wallet.ts';

/** Whose account is shown, and who signs. */
export type Source = 'host' | 'browser';

export interface WalletModel {
  readonly source: Source;
  readonly outside: { readonly wallet: OutsideWallet | undefined; readonly acts: OutsideActs; readonly choose: (source: Source) => void };
  /** The account of the source; undefined without a wallet. */
  readonly account: string | undefined;
  /** Stake, pay and rewards of the node are another account's. */
  readonly isOthers: boolean;
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

