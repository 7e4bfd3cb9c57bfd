import { useEffect, useState, type FormEvent } from 'react';
import type { SumLedger } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { formatUnits, typedUnits } from '../../stores/units.ts';
import { checkAmount } from '../../stores/wallet.ts';
import { ActFailure, BlockedNote } from './act-button.tsx';
import { Refused, useRefusal } from './refusal.tsx';
import { WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

/** Stake and unstake, each with what it means. */
export function StakeForms() {
  const { wallet } = useTexts();
  const { ledger, isOthers } = useWallet();
  if (ledger === undefined) return <ActFailure />;
  if (isOthers) return <div className="wallet-wide wallet-failure"><ActFailure /></div>;
  return (
    <>
      <div className="wallet-wide wallet-failure"><ActFailure /></div>
      <WalletCard id="stake" title={wallet.stakeTitle} isActed><AmountForm form="stake" ledger={ledger} /></WalletCard>
      <WalletCard id="unstake" title={wallet.unstakeTitle} isActed><AmountForm form="unstake" ledger={ledger} /></WalletCard>
    </>
  );
}

function AmountForm({ form, ledger }: { readonly form: 'stake' | 'unstake'; readonly ledger: SumLedger }) {
  const { wallet } = useTexts();
  const { blocked, acts, source } = useWallet();
  const [typed, setTyped] = useState('');
  const [isTouched, setTouched] = useState(false);
  const most = form === 'stake' ? ledger.liquid : ledger.staked;
  const checked = checkAmount({ form, typed, ledger }, wallet.faults);
  const id = `wallet-${form}-amount`;
  const reason = blocked === undefined ? ('fault' in checked ? checked.text : undefined) : wallet.blocked[blocked];
  const refusal = useRefusal();
  const isWrong = 'fault' in checked && isTouched && (typed !== '' || checked.fault !== 'empty');
  // What was done is not to be done again by the next press.
  useEffect(() => { setTyped(''); setTouched(false); }, [most]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTouched(true);
    if (reason === undefined && 'units' in checked) return void acts.send({ op: form, amount: String(checked.units) });
    // What is shown for the first time is told by where it stands.
    if (blocked !== undefined || isWrong) refusal.say(reason ?? '');
    if (blocked === undefined) document.getElementById(id)?.focus();
  };
  return (
    <form className="amount-form" noValidate onSubmit={submit} aria-labelledby={`wallet-${form}`}>
      <label className="field" htmlFor={id}>{wallet.amount}</label>
      <div className="amount-entry">
        <input id={id} type="text" inputMode="decimal" autoComplete="off" spellCheck={false} maxLength={80} value={typed} aria-invalid={isWrong} aria-describedby={`${id}-hint ${id}-fault`} onChange={({ target }) => { setTyped(target.value); setTouched(true); }} />
        <button type="button" className="quiet" aria-label={wallet.allOf(form === 'stake' ? wallet.liquidNow(formatUnits(most).full) : wallet.stakedNow(formatUnits(most).full))} disabled={most === '0'} onClick={() => { setTyped(typedUnits(most)); setTouched(true); }}>{wallet.all}</button>
      </div>
      <p id={`${id}-hint`} className="hint">{form === 'stake' ? wallet.liquidNow(formatUnits(most).full) : wallet.stakedNow(formatUnits(most).full)}</p>
      <p id={`${id}-fault`} className="amount-fault" role="status">{isWrong && 'fault' in checked ? checked.text : ''}</p>
      <p className="wallet-means">{form === 'stake' ? wallet.stakeMeans : wallet.unstakeMeans}</p>
      <BlockedNote id={`${id}-blocked`} />
      <button type="submit" className="main" aria-disabled={blocked !== undefined} aria-describedby={blocked === undefined ? `${id}-fault` : `${id}-blocked`}>{(source === 'browser' ? wallet.outside : wallet)[form === 'stake' ? 'stakeDo' : 'unstakeDo']}</button>
      <Refused refusal={refusal} reason={reason} />
    </form>
  );
}
