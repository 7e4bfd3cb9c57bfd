import { useEffect, useState } from 'react';
import type { Contribution, SumLedger } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';
import { desk } from '../stores/desk.ts';
import { payStanding } from '../stores/pay-standing.ts';
import { formatUnits } from '../stores/units.ts';
import type { PlaceProps } from './places.tsx';

interface PayLineProps extends PlaceProps {
  readonly contribution: Contribution;
  /** Without buttons, where they are near. */
  readonly isPlain?: boolean;
}

/** For what strangers are served; where something is missing for pay, what, and the way to it. */
export function PayLine({ contribution, onGo, isPlain = false }: PayLineProps) {
  const { pay: texts } = useTexts();
  const economy = useHost(({ state }) => state?.economy);
  const ledger = useLedger(contribution.priceUnits !== undefined);
  const standing = payStanding({ contribution, economy, ledger });
  const toPrice = (): void => {
    desk.setState({ section: 'pay' });
    onGo('settings');
  };
  const missing = standing.kind === 'paid' ? standing.missing : undefined;
  return (
    <div className="pay-line">
      <p>{standing.kind === 'paid' ? texts.paid(contribution.isOn, formatUnits(standing.priceUnits).full) : texts[standing.kind](contribution.isOn)}</p>
      <p className="pay-missing" role="status">{missing !== undefined && texts.missing[missing]}</p>
      {!isPlain && (standing.kind === 'free' || missing === 'chain') && <button type="button" className="quiet" onClick={toPrice}>{missing === undefined ? texts.setPrice : texts.changePrice}</button>}
      {!isPlain && missing !== undefined && missing !== 'chain' && <button type="button" className="quiet" onClick={() => onGo('wallet')}>{texts.toWallet}</button>}
    </div>
  );
}

/** Of this node, asked for again when the chain has news; undefined while nobody wants it, or it cannot be known. */
function useLedger(isWanted: boolean): SumLedger | undefined {
  const { client } = useApp();
  const hasWallet = useHost(({ state }) => state?.economy !== undefined && state.economy.wallet.status !== 'none');
  const revision = useHost(({ state }) => state?.economy?.revision);
  const [ledger, setLedger] = useState<SumLedger>();
  useEffect(() => {
    if (!isWanted || !hasWallet) return undefined;
    let isCurrent = true;
    client.call('economy.ledger', {}).then((now) => { if (isCurrent) setLedger(now); }, () => undefined);
    return () => { isCurrent = false; };
  }, [client, isWanted, hasWallet, revision]);
  return isWanted && hasWallet ? ledger : undefined;
}
