import { useTexts } from '../../language/index.ts';
import { shortHex, wordFor } from '../../stores/wallet.ts';
import type { OutsideStep } from '../../stores/outside-run.ts';
import { formatUnits } from '../../stores/units.ts';
import type { EconomyOp } from '../../../src-preload/bridge/index.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

/** What the browser's wallet was asked to send, and how far each step came; and what was begun before the page was loaded anew. */
export function OutsideSteps() {
  const { wallet: { outside: texts } } = useTexts();
  const { outside: { acts: { steps, op, begun } } } = useWallet();
  if (begun === undefined && steps.length === 0) return null;
  return (
    <WalletCard id="outside-steps" title={texts.steps} isWide isActed>
      {op !== undefined && <p><strong><OpName op={op} /></strong></p>}
      {steps.length > 0 && <ol className="outside-steps" aria-live="polite">{steps.map((step, index) => <Step key={index} step={step} />)}</ol>}
      {begun !== undefined && <Begun />}
    </WalletCard>
  );
}

function useOpName(): (op: EconomyOp) => string {
  const { earnings } = useTexts();
  return (op) => {
    const name = wordFor(earnings.what, op.op) ?? op.op;
    return 'amount' in op ? `${name}, ${formatUnits(op.amount).full} SUM` : name;
  };
}

const OpName = ({ op }: { readonly op: EconomyOp }) => useOpName()(op);

function Step({ step: { what, status, hash } }: { readonly step: OutsideStep }) {
  const { earnings, wallet: { outside: texts } } = useTexts();
  return (
    <li className={`outside-step outside-${status}`}>
      <span>{wordFor(earnings.what, what) ?? what}</span>{' '}
      <span className="outside-status">{texts.status[status]}</span>{' '}
      {hash !== undefined && <span className="sent-hash"><code title={hash}>{shortHex(hash)}</code> <CopyButton text={hash} label={earnings.copyHash} /></span>}
    </li>
  );
}

function Begun() {
  const { wallet: { outside: texts } } = useTexts();
  const { blocked, source, outside: { acts: { begun, resume, forget } } } = useWallet();
  const nameOf = useOpName();
  if (begun === undefined) return null;
  return (
    <>
      <p>{texts.begun(nameOf(begun.op))}</p>
      <p className="hint">{texts.begunText}</p>
      <p className="wallet-buttons">
        <button type="button" className="main" disabled={source !== 'browser' || (blocked !== undefined && blocked !== 'outside-begun')} onClick={() => void resume()}>{texts.resume}</button>
        <button type="button" className="quiet" onClick={forget}>{texts.forget}</button>
      </p>
    </>
  );
}
