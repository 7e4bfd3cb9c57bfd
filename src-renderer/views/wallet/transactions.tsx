import { formatNumber, formatTime, useTexts } from '../../language/index.ts';
import { shortHex, wordFor } from '../../stores/wallet.ts';
import { formatUnits } from '../../stores/units.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { Amount } from './amount.tsx';
import { Empty, WalletCard } from './wallet-card.tsx';
import { useWallet, type WalletModel } from './wallet-context.ts';

type Transaction = WalletModel['transactions'][number];
type Step = Transaction['steps'][number];

/** Fees are small. */
const FEE_DIGITS = 8;

const newestFirst = (transactions: WalletModel['transactions']): readonly Transaction[] => transactions.toSorted((a, b) => b.atMs - a.atMs);

/** How far the newest one came, for who does not see the list. */
export function Said() {
  const { earnings } = useTexts();
  const [newest] = newestFirst(useWallet().transactions);
  return <p className="unseen" role="status" aria-live="polite">{newest === undefined ? '' : earnings.said(wordFor(earnings.what, newest.what) ?? newest.what, earnings.status[newest.status])}</p>;
}

/** What was asked for, and how far each step came. */
export function Transactions() {
  const { earnings } = useTexts();
  const { transactions } = useWallet();
  return (
    <WalletCard id="transactions" title={earnings.transactions} isWide>
      {transactions.length === 0 ? <Empty title={earnings.transactionsNone} text={earnings.transactionsNoneText} /> : <ol className="sent">{newestFirst(transactions).map((one) => <Entry key={one.id} one={one} />)}</ol>}
    </WalletCard>
  );
}

function Entry({ one: { what, status, atMs, amount, steps, error } }: { readonly one: Transaction }) {
  const { earnings } = useTexts();
  return (
    <li className="sent-entry">
      <p className="sent-head">
        <strong><Word what={what} /></strong>
        {amount !== undefined && amount !== '0' && <Amount units={amount} />}
        <span className={`sent-status sent-${status}`}>{earnings.status[status]}</span>
        <time className="hint" dateTime={new Date(atMs).toISOString()}>{formatTime(atMs)}</time>
      </p>
      {steps.length > 0 && <ul className="sent-steps" aria-label={earnings.steps}>{steps.map((step, index) => <StepLine key={index} step={step} />)}</ul>}
      {error !== undefined && <ErrorCard error={error} />}
    </li>
  );
}

/** In the page's words where it has some. */
function Word({ what }: { readonly what: string }) {
  const { earnings } = useTexts();
  const word = wordFor(earnings.what, what);
  return word === undefined ? <code>{what}</code> : <>{word}</>;
}

function StepLine({ step: { what, status, hash, block, feeUnits, resent } }: { readonly step: Step }) {
  const { earnings, wallet } = useTexts();
  return (
    <li>
      <span><Word what={what} />: {earnings.status[status]}</span>
      {block !== undefined && <span>{earnings.inBlock(formatNumber(block))}</span>}
      {feeUnits !== undefined && <span title={`${formatUnits(feeUnits).full} (${wallet.gasText})`}>{earnings.fee} {formatUnits(feeUnits, FEE_DIGITS).short}</span>}
      {resent > 0 && <span>{earnings.resent(resent)}</span>}
      {hash !== undefined && <span className="sent-hash"><code title={hash}>{shortHex(hash)}</code> <CopyButton text={hash} label={earnings.copyHash} /></span>}
    </li>
  );
}
