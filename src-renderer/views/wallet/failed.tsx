import { HostError } from '../../../src-preload/bridge/index.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

/** A question that the host did not answer; without a connection there is a banner already. */
export const Failed = ({ error }: { readonly error: Error }) => (error instanceof HostError && error.code !== 'BRIDGE_DISCONNECTED' ? <ErrorCard error={error.wire} /> : null);
