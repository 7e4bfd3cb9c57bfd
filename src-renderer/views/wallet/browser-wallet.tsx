import { useConnect, type Connector } from 'wagmi';
import { useState, type FormEvent } from 'react';
import { isOpenToBrowsers } from '../../host/wallet-connector.ts';
import { useTexts } from '../../language/index.ts';
import { decimalPoint, parseUnits } from '../../stores/units.ts';
import { failureOf } from '../../stores/use-acts.ts';
import { useBrowserWallets } from '../../stores/use-browser-wallets.ts';
import { useRun } from '../../stores/use-command.ts';
import type { OutsideWallet } from '../../stores/use-outside.ts';
import type { Blocked } from '../../stores/wallet.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ToldFailure } from './act-button.tsx';
import { Refused, useRefusal } from './refusal.tsx';
import { WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

/** A wallet that the browser itself has: its account can own the node, or bring SUM to this app's wallet. */
export function BrowserWallet() {
  const { wallet: { outside: texts } } = useTexts();
  const { network, outside: { wallet } } = useWallet();
  const found = useBrowserWallets();
  const isOpen = isOpenToBrowsers(network);
  if (isOpen ? found.length === 0 : !('ethereum' in window)) return null;
  return (
    <WalletCard id="browser" title={texts.title} isWide>
      {!isOpen && <p className="hint">{texts.none}</p>}
      {isOpen && wallet === undefined && <Connect />}
      {isOpen && wallet !== undefined && <Connected wallet={wallet} />}
    </WalletCard>
  );
}

function Connect() {
  const { wallet: { outside: texts } } = useTexts();
  const { outside: { choose } } = useWallet();
  const { mutateAsync } = useConnect();
  const { isBusy, failure, run } = useRun(failureOf);
  const found = useBrowserWallets();
  // This is gone as soon as it is connected.
  const connect = (connector: Connector): void => void run(async () => {
    await mutateAsync({ connector });
    choose('browser');
  });
  return (
    <>
      <p className="hint">{texts.text}</p>
      <p className="wallet-buttons">{found.map((connector) => <button key={connector.uid} type="button" className="quiet" disabled={isBusy} onClick={() => connect(connector)}>{texts.connect(connector.name)}</button>)}</p>
      {failure !== undefined && !isBusy && <ToldFailure failure={failure} />}
    </>
  );
}

function Connected({ wallet }: { readonly wallet: OutsideWallet }) {
  const { wallet: texts } = useTexts();
  const { network, economy } = useWallet();
  return (
    <>
      <p className="wallet-address"><span className="unseen">{texts.address} </span><code>{wallet.account}</code> <CopyButton text={wallet.account} label={texts.copyAddress} /></p>
      <Owns account={wallet.account} />
      <p className="hint">{texts.outside.limits}</p>
      {wallet.chainId === network.chainId && economy.wallet.status !== 'none' && <Bring to={economy.wallet.address} />}
    </>
  );
}

function Owns({ account }: { readonly account: string }) {
  const { wallet: { outside: texts } } = useTexts();
  const owner = useWallet().economy.node?.owner;
  if (owner === undefined) return null;
  if (owner === null) return <p>{texts.unbound}</p>;
  return owner.toLowerCase() === account.toLowerCase() ? <p className="wallet-good">{texts.owns}</p> : <p className="wallet-warning">{texts.other} <code>{owner}</code></p>;
}

function Bring({ to }: { readonly to: string }) {
  const { wallet: texts } = useTexts();
  const { source, outside: { acts } } = useWallet();
  const [typed, setTyped] = useState('');
  const parsed = parseUnits(typed);
  const fault = typed !== '' && 'fault' in parsed ? (parsed.fault === 'malformed' ? texts.faults.malformed(decimalPoint()) : texts.faults[parsed.fault]) : '';
  const blocked = useBlocked();
  const reason = blocked === undefined ? fault : texts.blocked[blocked];
  const refusal = useRefusal();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if ('units' in parsed && blocked === undefined) return void acts.send({ op: 'transfer', to, amount: String(parsed.units) }).then((isSent) => { if (isSent) setTyped(''); });
    if (reason !== '') refusal.say(reason);
    if (blocked === undefined) document.getElementById('wallet-bring-amount')?.focus();
  };
  return (
    <form className="amount-form" noValidate onSubmit={submit}>
      <label className="field" htmlFor="wallet-bring-amount">{texts.outside.amountFrom}</label>
      <div className="amount-entry">
        <input id="wallet-bring-amount" type="text" inputMode="decimal" autoComplete="off" maxLength={80} value={typed} aria-invalid={fault !== ''} aria-describedby="wallet-bring-fault" onChange={({ target }) => setTyped(target.value)} />
        <button type="submit" className="main" aria-disabled={blocked !== undefined} aria-describedby={blocked === undefined ? 'wallet-bring-fault' : 'wallet-bring-blocked'}>{texts.outside.bring}</button>
      </div>
      <p id="wallet-bring-fault" className="amount-fault" role="status">{fault}</p>
      {blocked !== undefined && <p id="wallet-bring-blocked" className="wallet-blocked">{texts.blocked[blocked]}</p>}
      <Refused refusal={refusal} reason={reason} />
      {source === 'host' && acts.failure !== undefined && !acts.isBusy && <ToldFailure failure={acts.failure} />}
    </form>
  );
}

/** Whichever wallet is shown, this one signs. */
function useBlocked(): Blocked | undefined {
  const { blocked, source, outside: { acts } } = useWallet();
  if (source === 'browser' && blocked !== undefined) return blocked;
  if (acts.isBusy) return 'outside-busy';
  return acts.begun === undefined ? undefined : 'outside-begun';
}
