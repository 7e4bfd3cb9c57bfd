import { HostError } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { Empty } from './wallet-card.tsx';
import { useWallet } from './wallet-context.ts';

/** A question that the host did not answer. Why is said above already, while the chain or the host is away. */
export function Failed({ error }: { readonly error: Error }) {
  const { wallet } = useTexts();
  const { economy: { link } } = useWallet();
  if (link.status !== 'ready') return <Empty title={wallet.unknownNow} />;
  return error instanceof HostError && error.code !== 'BRIDGE_DISCONNECTED' ? <ErrorCard error={error.wire} /> : null;
}
