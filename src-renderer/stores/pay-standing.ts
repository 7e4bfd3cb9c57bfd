import type { Contribution, Economy, SumLedger } from '../../src-preload/bridge/index.ts';

/** For what strangers are served, and what is missing for it. */
export type PayStanding =
  | { readonly kind: 'free' | 'members' }
  | { readonly kind: 'paid'; readonly priceUnits: string; readonly missing?: 'chain' | 'answer' | 'wallet' | 'stake' };

interface Known {
  readonly contribution: Pick<Contribution, 'priceUnits' | 'reach'>;
  /** Undefined where there is no chain. */
  readonly economy: Pick<Economy, 'link' | 'wallet'> | undefined;
  /** Undefined until it is known. */
  readonly ledger: Pick<SumLedger, 'isActive'> | undefined;
}

export function payStanding({ contribution: { priceUnits, reach }, economy, ledger }: Known): PayStanding {
  if (priceUnits === undefined) return { kind: reach === 'private' ? 'members' : 'free' };
  const missing = missingOf(economy, ledger);
  return { kind: 'paid', priceUnits, ...(missing === undefined ? {} : { missing }) };
}

function missingOf(economy: Known['economy'], ledger: Known['ledger']): 'chain' | 'answer' | 'wallet' | 'stake' | undefined {
  if (economy === undefined) return 'chain';
  if (economy.wallet.status === 'none') return 'wallet';
  if (economy.link.status === 'down' || economy.link.status === 'wrong-network') return 'answer';
  return ledger?.isActive === false ? 'stake' : undefined;
}
