import type { ChainLinkInfo } from '../../../src-preload/bridge/index.ts';
import { formatNumber, formatTime, useTexts } from '../../language/index.ts';
import { queuedOf } from '../../stores/wallet.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { useWallet } from './wallet-context.ts';

/** Which chain this is, above everything and always in sight. */
export function NetworkBadge() {
  const { wallet } = useTexts();
  const { network, economy: { link }, ledger } = useWallet();
  const isTest = network.kind === 'embedded';
  return (
    <div className={isTest ? 'network-badge network-test' : 'network-badge'} role="group" aria-label={wallet.network}>
      {isTest && <p><strong>{wallet.testChain}</strong> <span className="network-worthless">{wallet.testWorthless}</span></p>}
      <p className="network-facts">
        <span>{wallet.chainFacts(network.name, network.chainId)}</span>
        {link.status === 'ready' ? <span>{wallet.block(formatNumber(link.block))}</span> : <Away link={link} knownBlock={ledger?.block} />}
      </p>
    </div>
  );
}

type AwayLink = Exclude<ChainLinkInfo, { readonly status: 'ready' }>;

function Away({ link, knownBlock }: { readonly link: AwayLink; readonly knownBlock: number | undefined }) {
  const { wallet } = useTexts();
  const block = link.status === 'starting' ? knownBlock : link.block ?? knownBlock;
  return (
    <>
      {link.status !== 'starting' && <span className="network-bad">{link.status === 'down' ? wallet.downShort : wallet.wrongShort}</span>}
      {block !== undefined && <span>{wallet.asOf(formatNumber(block))}</span>}
    </>
  );
}

/** That the chain is not there, what is kept, and the next step. */
export function LinkNotice() {
  const { wallet } = useTexts();
  const { economy: { link }, ledger, transactions } = useWallet();
  if (link.status === 'ready') return null;
  if (link.status === 'starting') return <p className="wallet-notice" role="status">{wallet.starting}</p>;
  const block = link.block ?? ledger?.block;
  const isDown = link.status === 'down';
  return (
    <div className="wallet-notice wallet-notice-bad">
      <p><strong>{isDown ? wallet.down(formatTime(link.sinceMs)) : wallet.wrong}</strong> {block !== undefined && wallet.downKept(formatNumber(block))}</p>
      <p>{isDown ? wallet.downQueued(queuedOf(transactions)) : wallet.wrongNext}</p>
      <ErrorCard error={link.error} />
    </div>
  );
}
