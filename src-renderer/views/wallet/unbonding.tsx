import type { SumLedger } from '../../../src-preload/bridge/index.ts';
import { formatTime, useTexts } from '../../language/index.ts';
import { formatUnits } from '../../stores/units.ts';
import { useChainNow } from '../../stores/use-economy.ts';
import { countdownOf, isOver } from '../../stores/wallet.ts';
import { ActButton, BlockedNote } from './act-button.tsx';
import { Amount } from './amount.tsx';
import { Empty, WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

/** What is on its way back, each with its countdown. */
export function Unbonding() {
  const { wallet } = useTexts();
  const { ledger, isOthers } = useWallet();
  if (ledger === undefined || isOthers) return null;
  return (
    <WalletCard id="unbonding" title={wallet.unbondingList} isWide isActed>
      {ledger.unbonding.length === 0 ? <Empty title={wallet.unbondingNone} /> : <Pieces ledger={ledger} />}
    </WalletCard>
  );
}

function Pieces({ ledger: { unbonding, atMs } }: { readonly ledger: SumLedger }) {
  const { wallet } = useTexts();
  const { economy: { link } } = useWallet();
  const nowMs = useChainNow(link.status === 'ready' ? link.blockTimeMs : atMs, unbonding.some(({ isMatured }) => !isMatured));
  const { amount, left } = wallet.unbondingHead;
  return (
    <>
      <div className="wallet-table" tabIndex={0} role="region" aria-labelledby="wallet-unbonding">
        <table>
          <thead><tr><th scope="col">{amount}</th><th scope="col">{left}</th><th scope="col" className="wallet-end"><span className="unseen">{wallet.cancel}</span></th></tr></thead>
          <tbody>{unbonding.map((piece) => <Piece key={piece.index} piece={piece} nowMs={nowMs} />)}</tbody>
        </table>
      </div>
      <p className="hint">{wallet.countdownText}</p>
      <BlockedNote id="wallet-unbonding-blocked" />
      {unbonding.some((piece) => isOver(piece, nowMs)) && <ActButton op={{ op: 'withdraw' }} text={wallet.withdraw} isMain />}
    </>
  );
}

function Piece({ piece, nowMs }: { readonly piece: SumLedger['unbonding'][number]; readonly nowMs: number }) {
  const { wallet } = useTexts();
  const { index, amount, releaseAtMs, isMatured } = piece;
  const isDone = isOver(piece, nowMs);
  return (
    <tr>
      <td><Amount units={amount} /></td>
      <td>{isDone ? <strong className="wallet-good">{wallet.matured}{isMatured ? '' : ` ${wallet.maturing}`}</strong> : <span className="countdown">{wallet.countdown(countdownOf(releaseAtMs - nowMs))}</span>}<span className="wallet-aside">{wallet.unbondingHead.release(formatTime(releaseAtMs))}</span></td>
      <td className="wallet-end">{!isDone && <ActButton op={{ op: 'cancel', index }} text={wallet.cancel} label={wallet.cancelOne(formatUnits(amount).full)} />}</td>
    </tr>
  );
}
