import { useState } from 'react';
import { HostError, type WireError } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

interface UnblockButtonProps {
  readonly subject: string;
  readonly name: string;
  readonly onDone: () => void;
}

/** Lifts a block; says so where it cannot. */
export function UnblockButton({ subject, name, onDone }: UnblockButtonProps) {
  const { client } = useApp();
  const { network } = useTexts();
  const [error, setError] = useState<WireError>();
  const unblock = (): void => void client.call('network.unblock', { subject }).then(onDone, (failure: unknown) => { if (failure instanceof HostError) setError(failure.wire); });
  return (
    <>
      <button type="button" className="quiet" aria-label={network.unblockOf(name)} onClick={unblock}>{network.unblock}</button>
      {error !== undefined && <ErrorCard error={error} />}
    </>
  );
}
