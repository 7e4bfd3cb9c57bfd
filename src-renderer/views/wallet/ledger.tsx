import type { ReactNode } from 'react';
import type { SumLedger } from '../../../src-preload/bridge/index.ts';
import { formatNumber, useTexts } from '../../language/index.ts';
import { formatUnits, shareOf } from '../../stores/units.ts';
import { blockedBy, blockedOutside, unbondingSum } from '../../stores/wallet.ts';
import { useHost } from '../../stores/context.ts';
import { ActButton, BlockedNote } from './act-button.tsx';
import { Amount } from './amount.tsx';
import { Failed } from './failed.tsx';
import { SayingButton } from './refusal.tsx';
import { Empty, WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

/** The three places where SUM lies, and what comes to them. */
export function Ledger() {
  const { wallet } = useTexts();
  const { ledger, ledgerError } = useWallet();
  return (
    <WalletCard id="ledger" title={wallet.ledger} tools={ledger !== undefined && <span className="hint">{wallet.asOf(formatNumber(ledger.block))}</span>} isWide isActed>
      {ledger === undefined ? (ledgerError === null ? <Empty title={wallet.ledgerLoading} /> : <Failed error={ledgerError} />) : <Places ledger={ledger} />}
    </WalletCard>
  );
}

function Places({ ledger }: { readonly ledger: SumLedger }) {
  const { wallet } = useTexts();
  // What is staked for the node is no SUM of an account that does not own it.
  if (useWallet().isOthers) return <><p className="ledger-all"><span className="hint">{wallet.liquid}</span> <Amount units={ledger.liquid} /></p><More ledger={ledger} isOthers /></>;
  const [liquid, staked, unbonding] = [BigInt(ledger.liquid), BigInt(ledger.staked), unbondingSum(ledger)];
  const all = liquid + staked + unbonding;
  const parts = [['liquid', liquid, wallet.liquid, wallet.liquidText], ['staked', staked, wallet.staked, wallet.stakedText], ['unbonding', unbonding, wallet.unbonding, wallet.unbondingText]] as const;
  return (
    <>
      <p className="ledger-all"><span className="hint">{wallet.inAll}</span> <Amount units={all} /></p>
      <svg className="ledger-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
        {parts.map(([part, units], index) => <rect key={part} className={`ledger-${part}`} x={1_000 * shareOf(parts.slice(0, index).reduce((sum, [, before]) => sum + before, 0n), all)} width={1_000 * shareOf(units, all)} height="10" />)}
      </svg>
      <dl className="ledger-places">
        {parts.map(([part, units, name, text]) => (
          <div key={part} className={`ledger-place ledger-place-${part}`}>
            <dt>{name}</dt><dd><Amount units={units} /></dd>
            <dd className="wallet-aside">{text}</dd>
            {part === 'staked' && <dd className={ledger.isActive ? 'wallet-aside wallet-good' : 'wallet-aside wallet-low'}>{ledger.isActive ? wallet.active : wallet.inactive(formatUnits(ledger.leastStake).full)}</dd>}
          </div>
        ))}
      </dl>
      <More ledger={ledger} />
    </>
  );
}

function More({ ledger: { staked, isActive, leastStake, rewards, escrow, refundable, gas }, isOthers = false }: { readonly ledger: SumLedger; readonly isOthers?: boolean }) {
  const { wallet } = useTexts();
  return (
    <>
      <dl className="wallet-rows">
        {isOthers && <Row name={wallet.outside.othersStake} text={isActive ? wallet.active : wallet.inactive(formatUnits(leastStake).full)} value={<Amount units={staked} />} />}
        {!isOthers && <Row name={wallet.rewards} text={wallet.rewardsText} value={<Amount units={rewards} />} action={BigInt(rewards) > 0n && <ActButton op={{ op: 'claim' }} text={wallet.claim} />} />}
        {(escrow !== '0' || refundable !== '0') && <Row name={wallet.escrow} value={<Amount units={escrow} />} />}
        {refundable !== '0' && <Row name={wallet.refundable} text={wallet.refundableText} value={<Amount units={refundable} />} />}
        <Row name={wallet.gas} text={gas === '0' ? wallet.noGas : wallet.gasText} value={<Amount units={gas} unit="" />} action={<Faucet />} />
      </dl>
      {!isOthers && BigInt(rewards) > 0n && <BlockedNote id="wallet-claim-blocked" />}
    </>
  );
}

const Row = ({ name, text, value, action }: { readonly name: string; readonly text?: string; readonly value: ReactNode; readonly action?: ReactNode }) => (
  <div className="wallet-row">
    <dt>{name}{text !== undefined && <span className="wallet-aside">{text}</span>}</dt>
    <dd><span>{value}</span>{action}</dd>
  </div>
);

/** Of the embedded chain alone: no other one gives anything away. */
function Faucet() {
  const { wallet } = useTexts();
  const { network, economy, transactions, acts, source } = useWallet();
  const isOnline = useHost((view) => view.link === 'online');
  if (network.kind !== 'embedded') return null;
  const stopped = source === 'browser' ? blockedOutside({ isOnline, economy, isBusy: acts.isBusy }) : blockedBy({ isOnline, economy, transactions }, { unlocked: false });
  const blocked = stopped ?? (acts.isBusy ? 'deciding' : undefined);
  return <SayingButton className="quiet wallet-act" title={wallet.faucetText} reason={blocked === undefined ? undefined : wallet.blocked[blocked]} onPress={() => void acts.faucet()}>{wallet.faucet}</SayingButton>;
}
