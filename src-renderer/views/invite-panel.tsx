import { useRef, useState, type FormEvent } from 'react';
import { HostError, INVITE_LIMITS, type Invitation, type JoinPlan, type WireError } from '../../src-preload/bridge/index.ts';
import { useApp } from '../stores/context.ts';
import { formatUntil, shortPeer } from '../stores/format.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { ErrorCard } from '../widgets/error-card.tsx';
import { QrCode } from '../widgets/qr-code.tsx';

/** A command under way, what it ended with, or nothing yet. */
type Asked<T> = { readonly kind: 'idle' } | { readonly kind: 'busy' } | { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: WireError };

// Kept here and nowhere else: a link is a secret, and is gone when the panel closes.
function useAsked<T>(): [Asked<T>, (work: Promise<T>) => void, () => void] {
  const [asked, setAsked] = useState<Asked<T>>({ kind: 'idle' });
  // What was asked before something else is not shown any more.
  const latest = useRef(0);
  const show = (next: Asked<T>): void => {
    latest.current += 1;
    setAsked(next);
  };
  const ask = (work: Promise<T>): void => {
    show({ kind: 'busy' });
    const mine = latest.current;
    const end = (next: Asked<T>): void => { if (latest.current === mine) show(next); };
    work.then((value) => end({ kind: 'done', value }), (error: unknown) => end(error instanceof HostError ? { kind: 'failed', error: error.wire } : { kind: 'idle' }));
  };
  return [asked, ask, () => show({ kind: 'idle' })];
}

/** Inviting another machine, and joining by the link of one. */
export const InvitePanel = () => (
  <div className="invite">
    <Invite />
    <Join />
  </div>
);

function Invite() {
  const { client } = useApp();
  const [asked, ask, forget] = useAsked<Invitation>();
  const create = (): void => ask(client.call('invite.create', { ttlMs: INVITE_LIMITS.defaultTtlMs }));
  return (
    <section aria-label="Invite another machine">
      {asked.kind !== 'done' && <button type="button" className="quiet invite-wide" disabled={asked.kind === 'busy'} onClick={create}>Invite another machine</button>}
      {asked.kind === 'failed' && <ErrorCard error={asked.error} />}
      {asked.kind === 'done' && <InvitationView invitation={asked.value} onHide={forget} />}
    </section>
  );
}

const REACH: Readonly<Record<NonNullable<Invitation['reach']>, string>> = {
  machine: 'Only programs on this machine can use it: let the node listen on the network (listen in config.json) to invite others.',
  private: 'For machines on the same network.',
  public: 'For machines anywhere.',
};

function InvitationView({ invitation, onHide }: { readonly invitation: Invitation; readonly onHide: () => void }) {
  const { link, qr, hasKey, expiresAtMs, reach } = invitation;
  return (
    <div className="invitation">
      <QrCode rows={qr} label="The link as a QR code" />
      <label className="unseen" htmlFor="invitation">Invitation link</label>
      <textarea id="invitation" className="invite-link" readOnly rows={3} value={link} onFocus={(event) => event.currentTarget.select()} />
      <p>{reach === undefined ? '' : `${REACH[reach]} `}Good until {formatUntil(expiresAtMs)}. On the other machine, paste it below, or run <code>omninode join</code>.</p>
      {hasKey && <p className="invite-secret">It holds the key of your private zone: whoever has it can join, even after it expired.</p>}
      <div className="invite-actions"><CopyButton text={link} label="Copy the link" /><button type="button" className="quiet" onClick={onHide}>Hide</button></div>
    </div>
  );
}

function Join() {
  const { client } = useApp();
  const [link, setLink] = useState('');
  const [checked, check, forgetCheck] = useAsked<JoinPlan>();
  const [joined, join, forgetJoin] = useAsked<JoinPlan>();
  const onChange = (text: string): void => {
    setLink(text);
    forgetCheck();
    forgetJoin();
  };
  const onCheck = (event: FormEvent): void => {
    event.preventDefault();
    forgetJoin();
    check(client.call('invite.check', { link }));
  };
  const onJoin = (): void => join(client.call('invite.join', { link }).then((plan) => {
    setLink('');
    forgetCheck();
    return plan;
  }));
  const failure = [joined, checked].find((one) => one.kind === 'failed');
  return (
    <form className="join" aria-label="Join a mesh" onSubmit={onCheck}>
      <label htmlFor="join-link">Join by a link</label>
      <div className="join-row">
        <input id="join-link" value={link} maxLength={INVITE_LIMITS.maxLinkChars} placeholder="omni://join/…" autoComplete="off" spellCheck={false} onChange={(event) => onChange(event.target.value)} />
        <button type="submit" className="quiet" disabled={link.trim() === '' || checked.kind === 'busy'}>Check</button>
      </div>
      {failure?.kind === 'failed' && <ErrorCard error={failure.error} />}
      {checked.kind === 'done' && joined.kind !== 'done' && <PlanView plan={checked.value} isBusy={joined.kind === 'busy'} onJoin={onJoin} />}
      {joined.kind === 'done' && <p role="status">{joined.value.needsRestart ? 'Joined. Start OmniNode again to meet the zone.' : 'Joined. This node connects to it now.'}</p>}
    </form>
  );
}

const ZONE: Readonly<Record<JoinPlan['zone'], string>> = { local: 'a mesh of local networks', private: 'a private zone', public: 'a public mesh' };

function PlanView({ plan, isBusy, onJoin }: { readonly plan: JoinPlan; readonly isBusy: boolean; readonly onJoin: () => void }) {
  const { inviter, zone, zoneName, expiresAtMs, steps } = plan;
  return (
    <div className="join-plan" role="status">
      <p><code title={inviter}>{shortPeer(inviter)}</code> invites to {ZONE[zone]}{zoneName !== undefined && <> <code>{zoneName}</code></>}, until {formatUntil(expiresAtMs)}.</p>
      {steps.length === 0 ? <p>This node is a member already.</p> : <><p>Joining will:</p><ul>{steps.map((step) => <li key={step}>{step}</li>)}</ul></>}
      <button type="button" className="main" disabled={isBusy} onClick={onJoin}>{steps.length === 0 ? 'Connect' : 'Join'}</button>
    </div>
  );
}
