import { useDisconnect } from 'wagmi';
import { useTexts } from '../../language/index.ts';
import { shortHex } from '../../stores/wallet.ts';
import type { OutsideWallet } from '../../stores/use-outside.ts';
import { useWallet } from './wallet-context.ts';

/** Whose account everything below is about, always in sight while there are two. */
export function SourceSwitch() {
  const { wallet: { outside: texts } } = useTexts();
  const { economy, outside: { wallet, choose }, source } = useWallet();
  const { mutate: disconnect } = useDisconnect();
  if (wallet === undefined) return null;
  const { connector, account } = wallet;
  const choice = (kind: 'host' | 'browser', name: string, address: string) => (
    <label className="source-choice"><input type="radio" name="source" checked={source === kind} onChange={() => choose(kind)} /> <span><strong>{name}</strong> <code title={address}>{shortHex(address)}</code></span></label>
  );
  return (
    <fieldset className={source === 'browser' ? 'source-switch source-browser' : 'source-switch'}>
      <legend className="unseen">{texts.actsWith}</legend>
      <span aria-hidden="true">{texts.actsWith}</span>
      {economy.wallet.status !== 'none' && choice('host', texts.host, economy.wallet.address)}
      {choice('browser', texts.browser(connector.name), account)}
      <ProviderChain wallet={wallet} />
      <button type="button" className="quiet" onClick={() => disconnect({ connector })}>{texts.disconnect}</button>
    </fieldset>
  );
}

/** Where that wallet is: its transactions go there, whatever this page shows. */
function ProviderChain({ wallet: { chainId } }: { readonly wallet: OutsideWallet }) {
  const { wallet: { outside: texts } } = useTexts();
  const { network } = useWallet();
  return chainId === network.chainId ? <span className="provider-chain">{texts.onChain(network.name)}</span> : <span className="provider-chain network-bad">{texts.otherChain(chainId)}</span>;
}
