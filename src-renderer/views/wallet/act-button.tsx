import { useLayoutEffect, useRef } from 'react';
import type { EconomyOp } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import type { Failure } from '../../stores/use-acts.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { SayingButton } from './refusal.tsx';
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
  const reason = blocked === undefined ? undefined : wallet.blocked[blocked];
  return <SayingButton reason={reason} className={isMain ? 'main wallet-act' : 'quiet wallet-act'} label={label} onPress={() => void acts.send(op)}>{text}</SayingButton>;
}

/** What became of the last request, where nothing came of it. */
export function ActFailure() {
  const { acts: { failure, isBusy }, source, outside } = useWallet();
  const shown = useRef<HTMLDivElement>(null);
  // What was pressed may be far below. At once: nothing moves under a pointer that is on its way.
  const isShown = failure !== undefined && failure.kind !== 'refused' && !isBusy;
  useLayoutEffect(() => { if (isShown) shown.current?.scrollIntoView({ block: 'nearest' }); }, [isShown]);
  if (failure === undefined || isBusy) return null;
  return <div ref={shown}><ToldFailure failure={failure} isLater={source === 'browser' && outside.acts.steps.some(({ status }) => status === 'mined')} /></div>;
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
