import type { WalletState } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { shareOf } from '../../stores/units.ts';
import { useCommand } from '../../stores/use-command.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { Amount } from './amount.tsx';
import { WalletCard } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

type Held = Exclude<WalletState, { readonly status: 'none' }>;

/** The host's wallet: none, locked or ready. What needs a password is a document of the host's. */
export function Account() {
  const { economy: { wallet } } = useWallet();
  return wallet.status === 'none' ? <NoWallet /> : <HeldWallet held={wallet} />;
}

function NoWallet() {
  const { wallet } = useTexts();
  const { documents: { ask } } = useWallet();
  return (
    <WalletCard id="account" title={wallet.account} isWide>
      <p className="wallet-state">{wallet.noWallet}</p>
      <p className="hint">{wallet.noWalletText}</p>
      <p className="wallet-buttons">
        <button type="button" className="main" onClick={() => ask('create')}>{wallet.create}</button>
        <button type="button" className="quiet" onClick={() => ask('import')}>{wallet.import}</button>
      </p>
    </WalletCard>
  );
}

function HeldWallet({ held }: { readonly held: Held }) {
  const { wallet } = useTexts();
  const { documents: { ask } } = useWallet();
  const { client } = useApp();
  const { isBusy, error, run } = useCommand();
  const isOnline = useHost((view) => view.link === 'online');
  const isLocked = held.status === 'locked';
  return (
    <WalletCard id="account" title={wallet.account} tools={<span className={isLocked ? 'pill' : 'pill wallet-unlocked'}>{isLocked ? wallet.locked : wallet.isReady}</span>} isWide>
      <p className="wallet-address"><span className="unseen">{wallet.address} </span><code>{held.address}</code> <CopyButton text={held.address} label={wallet.copyAddress} /></p>
      {isLocked && <p className="hint">{wallet.isLockedText}</p>}
      <dl className="facts wallet-facts">
        <dt>{wallet.spend}</dt><dd><Spend spend={held.spend} /></dd>
        <dt>{wallet.keeping}</dt><dd>{wallet.keepings[held.keeping]}</dd>
      </dl>
      <Bound address={held.address} />
      <p className="wallet-buttons">
        {isLocked ? <button type="button" className="main" onClick={() => ask('unlock')}>{wallet.unlock}</button> : <button type="button" className="quiet" disabled={isBusy || !isOnline} onClick={() => void run(() => client.call('wallet.lock', {}))}>{wallet.lock}</button>}
        <button type="button" className="quiet" onClick={() => ask('limits')}>{wallet.limits}</button>
        <button type="button" className="quiet" onClick={() => ask('export')}>{wallet.export}</button>
      </p>
      {error !== undefined && <ErrorCard error={error} />}
    </WalletCard>
  );
}

function Spend({ spend: { perDayUnits, todayUnits } }: Pick<Held, 'spend'>) {
  const { wallet } = useTexts();
  if (perDayUnits === null) return <><Amount units={todayUnits} /> <span className="hint">({wallet.spendNone})</span></>;
  return (
    <>
      <Amount units={todayUnits} unit="" /> {wallet.spendOf} <Amount units={perDayUnits} />{' '}
      <progress className="wallet-spend" aria-label={wallet.spend} value={shareOf(BigInt(todayUnits), BigInt(perDayUnits))} max={1} />
      <span className="wallet-aside">{wallet.spendText}</span>
    </>
  );
}

/** Whose node this is on the chain, where that matters. */
function Bound({ address }: { readonly address: string }) {
  const { wallet } = useTexts();
  const { economy: { node }, outside } = useWallet();
  if (node === undefined) return null;
  if (node.owner === null) return <p className="hint">{wallet.nodeUnbound}</p>;
  if (node.owner.toLowerCase() === address.toLowerCase()) return <p className="hint">{wallet.nodeBound}</p>;
  if (node.owner.toLowerCase() === outside.wallet?.account.toLowerCase()) return <p className="hint">{wallet.outside.ownedByIt}</p>;
  return <p className="wallet-warning">{wallet.nodeOther} <code>{node.owner}</code></p>;
}
