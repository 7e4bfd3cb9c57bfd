import type { EconomyOp } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import type { Failure } from '../../stores/use-acts.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { useWallet } from './wallet-context.ts';

/** Why the buttons beside it cannot be pressed; one id for each place that says so. */
export function BlockedNote({ id }: { readonly id: string }) {
  const { wallet } = useTexts();
  const { blocked } = useWallet();
  return blocked === undefined ? null : <p id={id} className="wallet-blocked">{wallet.blocked[blocked]}</p>;
}

interface ActButtonProps {
  readonly op: EconomyOp;
  readonly text: string;
  /** Where several are alike. */
  readonly label?: string;
  readonly isMain?: boolean;
}

/** Asks for one operation. While that cannot be, it says why. */
export function ActButton({ op, text, label, isMain = false }: ActButtonProps) {
  const { wallet } = useTexts();
  const { blocked, acts } = useWallet();
  return (
    <button type="button" className={isMain ? 'main wallet-act' : 'quiet wallet-act'} aria-label={label} title={blocked === undefined ? undefined : wallet.blocked[blocked]} disabled={blocked !== undefined} onClick={() => void acts.send(op)}>{text}</button>
  );
}

/** What became of the last request, where nothing came of it. */
export function ActFailure() {
  const { acts: { failure, isBusy }, source, outside } = useWallet();
  if (failure === undefined || isBusy) return null;
  return <ToldFailure failure={failure} isLater={source === 'browser' && outside.acts.steps.some(({ status }) => status === 'mined')} />;
}

/** `isLater`: steps before the one that was refused are in the chain. */
export function ToldFailure({ failure, isLater = false }: { readonly failure: Failure; readonly isLater?: boolean }) {
  const { wallet } = useTexts();
  switch (failure.kind) {
    case 'refused': return <p className="wallet-notice" role="status">{isLater ? wallet.outside.refusedLater : wallet.refused}</p>;
    case 'outside': return <p className="wallet-notice wallet-notice-bad" role="alert">{wallet.outside.reasons[failure.reason]}</p>;
    case 'failed': return <ErrorCard error={failure.error} />;
  }
}
