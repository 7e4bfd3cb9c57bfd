import { useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
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
  const { isBusy, error, run } = useCommand();
  const unblock = (): void => void run(() => client.call('network.unblock', { subject })).then((isDone) => { if (isDone) onDone(); });
  return (
    <>
      <button type="button" className="quiet" aria-label={network.unblockOf(name)} disabled={isBusy} onClick={unblock}>{network.unblock}</button>
      {error !== undefined && <ErrorCard error={error} />}
    </>
  );
}
