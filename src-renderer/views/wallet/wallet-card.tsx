import type { ReactNode } from 'react';
import { useTexts } from '../../language/index.ts';
import { shortHex } from '../../stores/wallet.ts';
import { useWallet } from './wallet-context.ts';

interface WalletCardProps {
  readonly id: string;
  readonly title: string;
  readonly isWide?: boolean;
  /** It is about the account that was chosen, and not always about the host's. */
  readonly isActed?: boolean;
  /** Beside the title. */
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

/** A part of the wallet. On the test chain each one says so: a picture of one card must not pass for money. */
export function WalletCard({ id, title, isWide = false, isActed = false, tools, children }: WalletCardProps) {
  const { wallet } = useTexts();
  const { network, source, account = '' } = useWallet();
  return (
    <section className={isWide ? 'card wallet-card wallet-wide' : 'card wallet-card'} aria-labelledby={`wallet-${id}`}>
      <div className="card-head">
        <h2 id={`wallet-${id}`}>{title}</h2>
        {tools}
        <span className="card-marks">
          {isActed && source === 'browser' && <span className="source-mark" title={wallet.outside.markText}>{wallet.outside.mark(shortHex(account))}</span>}
          {network.kind === 'embedded' && <span className="test-mark" title={wallet.testShortText}>{wallet.testShort}</span>}
        </span>
      </div>
      {children}
    </section>
  );
}

export const Empty = ({ title, text }: { readonly title: string; readonly text?: string }) => <div className="wallet-empty"><p>{title}</p>{text !== undefined && <p className="hint">{text}</p>}</div>;
