import { useConnect, useConnections, useConnectors, useDisconnect, useSwitchChain, useWriteContract, type Connector } from 'wagmi';
import { erc20Abi, type Address } from 'viem';
import { useState, type FormEvent } from 'react';
import { HOST_CONNECTOR } from '../../host/wallet-connector.ts';
import { useTexts } from '../../language/index.ts';
import { decimalPoint, parseUnits } from '../../stores/units.ts';
import { failureOf } from '../../stores/use-acts.ts';
import { shortHex } from '../../stores/wallet.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

const WINDOW_WALLET = 'injected';

/** Wallets that announced themselves (EIP-6963), else the one that put itself into the window. */
function useBrowserWallets(): readonly Connector[] {
  const others = useConnectors().filter(({ id }) => id !== HOST_CONNECTOR);
  const announced = others.filter(({ id }) => id !== WINDOW_WALLET);
  return announced.length > 0 || !('ethereum' in window) ? announced : others;
}

/** A wallet that the browser itself has: SUM can come from it to the node's account. Never on the test chain. */
export function BrowserWallet() {
  const { wallet } = useTexts();
  const found = useBrowserWallets();
  const connection = useConnections().find(({ connector }) => connector.id !== HOST_CONNECTOR);
  const { mutate: connect, error, isPending } = useConnect();
  if (found.length === 0) return null;
  return (
    <WalletCard id="browser" title={wallet.browser} isWide>
      <p className="hint">{wallet.browserText}</p>
      {connection === undefined
        ? <p className="wallet-buttons">{found.map((connector) => <button key={connector.uid} type="button" className="quiet" disabled={isPending} onClick={() => connect({ connector })}>{wallet.connect(connector.name)}</button>)}</p>
        : <Connected connector={connection.connector} account={connection.accounts[0]} chainId={connection.chainId} />}
      {error !== null && <Failure error={error} />}
    </WalletCard>
  );
}

interface ConnectedProps {
  readonly connector: Connector;
  readonly account: Address;
  readonly chainId: number;
}

function Connected({ connector, account, chainId }: ConnectedProps) {
  const { wallet } = useTexts();
  const { network } = useWallet();
  const { mutate: disconnect } = useDisconnect();
  const { mutate: switchChain, error } = useSwitchChain();
  return (
    <>
      <p className="wallet-address"><code>{account}</code> <CopyButton text={account} label={wallet.copyAddress} /> <button type="button" className="quiet" onClick={() => disconnect({ connector })}>{wallet.disconnect}</button></p>
      {chainId === network.chainId ? <Bring connector={connector} account={account} /> : <button type="button" className="main" onClick={() => switchChain({ chainId: network.chainId, connector })}>{wallet.switchChain(network.name)}</button>}
      {error !== null && <Failure error={error} />}
    </>
  );
}

function Bring({ connector, account }: Omit<ConnectedProps, 'chainId'>) {
  const { wallet } = useTexts();
  const { network, economy } = useWallet();
  const { mutate: write, data: hash, error, isPending } = useWriteContract();
  const [typed, setTyped] = useState('');
  const parsed = parseUnits(typed);
  const fault = typed !== '' && 'fault' in parsed ? (parsed.fault === 'malformed' ? wallet.faults.malformed(decimalPoint()) : wallet.faults[parsed.fault]) : '';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!('units' in parsed) || economy.wallet.status === 'none') return;
    write({ connector, account, chainId: network.chainId, address: network.contracts.token as Address, abi: erc20Abi, functionName: 'transfer', args: [economy.wallet.address as Address, parsed.units] });
  };
  return (
    <form className="amount-form" noValidate onSubmit={submit}>
      <label className="field" htmlFor="wallet-bring-amount">{wallet.amount}</label>
      <div className="amount-entry"><input id="wallet-bring-amount" type="text" inputMode="decimal" autoComplete="off" maxLength={80} value={typed} aria-invalid={fault !== ''} aria-describedby="wallet-bring-fault" onChange={({ target }) => setTyped(target.value)} /><button type="submit" className="main" disabled={isPending || !('units' in parsed)}>{wallet.bring}</button></div>
      <p id="wallet-bring-fault" className="amount-fault" role="status">{fault}</p>
      {hash !== undefined && <p role="status">{wallet.brought} <code title={hash}>{shortHex(hash)}</code></p>}
      {error !== null && <Failure error={error} />}
    </form>
  );
}

function Failure({ error }: { readonly error: Error }) {
  const { wallet } = useTexts();
  const failure = failureOf(error);
  return failure.kind === 'refused' ? <p className="wallet-notice" role="status">{wallet.refused}</p> : <ErrorCard error={failure.error} />;
}
