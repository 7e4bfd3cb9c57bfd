import { useId, useState, type ReactNode } from 'react';

export interface Refusal {
  /** What was said last, as often as it was asked for. */
  readonly said: { readonly reason: string; readonly times: number } | undefined;
  readonly say: (reason: string) => void;
}

/** Why something that was pressed does nothing: told each time it is pressed. */
export function useRefusal(): Refusal {
  const [said, setSaid] = useState<Refusal['said']>();
  return { said, say: (reason) => setSaid((before) => ({ reason, times: (before?.times ?? 0) + 1 })) };
}

/** For who does not see the reason beside the button; nothing once it is another one. */
export function Refused({ refusal: { said }, reason }: { readonly refusal: Refusal; readonly reason: string | undefined }) {
  const isSaid = said !== undefined && said.reason === reason;
  // Another element each time: what does not change is not announced again.
  return <span key={said?.times} className="unseen" role="alert">{isSaid ? reason : ''}</span>;
}

interface SayingButtonProps {
  /** Why it cannot be pressed now. */
  readonly reason: string | undefined;
  readonly className: string;
  readonly title?: string | undefined;
  readonly label?: string | undefined;
  readonly onPress: () => void;
  readonly children: ReactNode;
}

/** Takes the focus also while it cannot act, and says why when it is pressed. */
export function SayingButton({ reason, className, title, label, onPress, children }: SayingButtonProps) {
  const id = useId();
  const refusal = useRefusal();
  const isBlocked = reason !== undefined;
  return (
    <>
      <button type="button" className={className} aria-label={label} title={reason ?? title} aria-disabled={isBlocked} aria-describedby={isBlocked ? id : undefined} onClick={() => (isBlocked ? refusal.say(reason) : onPress())}>{children}</button>
      <span id={id} hidden>{reason}</span>
      <Refused refusal={refusal} reason={reason} />
    </>
  );
}
