import { useDisconnect } from 'wagmi';
import { useTexts } from '../../language/index.ts';
import type { HostProvider } from '../../host/wallet-connector.ts';
import { goToChain } from '../../stores/outside-chain.ts';
import { failureOf } from '../../stores/use-acts.ts';
import { useRun } from '../../stores/use-command.ts';
import type { OutsideWallet } from '../../stores/use-outside.ts';
import { shortHex } from '../../stores/wallet.ts';
import { ToldFailure } from './act-button.tsx';
import { useWallet } from './wallet-context.ts';

/** Whose account everything below is about, always in sight while there are two. */
export function SourceSwitch() {
  const { wallet: { outside: texts } } = useTexts();
  const { economy, outside: { wallet, choose }, source } = useWallet();
  const { mutate: disconnect } = useDisconnect();
  if (wallet === undefined) return null;
  const { connector, account } = wallet;
  const isChoice = economy.wallet.status !== 'none';
  const choice = (kind: 'host' | 'browser', name: string, address: string) => (
    <label className="source-choice">{isChoice && <input type="radio" name="source" checked={source === kind} onChange={() => choose(kind)} />} <span><strong>{name}</strong> <code title={address}>{shortHex(address)}</code></span></label>
  );
  return (
    <fieldset className={source === 'browser' ? 'source-switch source-browser' : 'source-switch'}>
      <legend className="unseen">{texts.actsWith}</legend>
      <span aria-hidden="true">{texts.actsWith}</span>
      {economy.wallet.status !== 'none' && choice('host', texts.host, economy.wallet.address)}
      {choice('browser', texts.browser(connector.name), account)}
      <button type="button" className="quiet" onClick={() => disconnect({ connector })}>{texts.disconnect}</button>
      <ProviderChain wallet={wallet} />
    </fieldset>
  );
}

/** Where that wallet is: its transactions go there, whatever this page shows. */
function ProviderChain({ wallet }: { readonly wallet: OutsideWallet }) {
  const { wallet: { outside: texts } } = useTexts();
  const { network } = useWallet();
  return wallet.chainId === network.chainId ? <span className="provider-chain">{texts.onChain(network.name)}</span> : <GoToChain wallet={wallet} />;
}

function GoToChain({ wallet: { connector, chainId } }: { readonly wallet: OutsideWallet }) {
  const { wallet: { outside: texts } } = useTexts();
  const { network } = useWallet();
  const { isBusy, failure, run } = useRun(failureOf);
  const go = (): void => void run(async () => goToChain(await connector.getProvider() as HostProvider, network));
  return (
    <>
      <span className="provider-chain network-bad">{texts.otherChain(chainId)}</span>
      <button type="button" className="main source-go" disabled={isBusy} onClick={go}>{texts.switchChain(network.name)}</button>
      {network.publicRpc === undefined && <p className="source-more">{texts.manual(network.name, network.chainId)}</p>}
      {failure !== undefined && !isBusy && <div className="source-more"><ToldFailure failure={failure} /></div>}
    </>
  );
}
