import { useState, type FormEvent } from 'react';
import { INVITE_LIMITS, type Invitation, type JoinPlan } from '../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../language/index.ts';
import { useApp } from '../stores/context.ts';
import { formatUntil, shortPeer } from '../stores/format.ts';
import { useTask } from '../stores/use-task.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { ErrorCard } from '../widgets/error-card.tsx';
import { QrCode } from '../widgets/qr-code.tsx';

/** Inviting another machine, and joining by the link of one. A link is a secret: it is kept here and nowhere else, and gone when the panel closes. */
export const InvitePanel = () => (
  <div className="invite">
    <Invite />
    <Join />
  </div>
);

function Invite() {
  const { client } = useApp();
  const texts = useTexts().invite;
  const [asked, ask, forget] = useTask<Invitation>();
  const create = (): void => ask(client.call('invite.create', { ttlMs: INVITE_LIMITS.defaultTtlMs }));
  return (
    <section aria-label={texts.invite}>
      {asked.kind !== 'done' && <button type="button" className="quiet invite-wide" disabled={asked.kind === 'busy'} onClick={create}>{texts.invite}</button>}
      {asked.kind === 'failed' && <ErrorCard error={asked.error} />}
      {asked.kind === 'done' && <InvitationView invitation={asked.value} onHide={forget} />}
    </section>
  );
}

const reachOf = (reach: NonNullable<Invitation['reach']>, texts: Texts['invite']): string =>
  ({ machine: texts.reachMachine, private: texts.reachPrivate, public: texts.reachPublic })[reach];

function InvitationView({ invitation, onHide }: { readonly invitation: Invitation; readonly onHide: () => void }) {
  const texts = useTexts().invite;
  const { link, qr, hasKey, expiresAtMs, reach } = invitation;
  return (
    <div className="invitation">
      <QrCode rows={qr} label={texts.qr} />
      <label className="unseen" htmlFor="invitation">{texts.link}</label>
      <textarea id="invitation" className="invite-link" readOnly rows={3} value={link} onFocus={(event) => event.currentTarget.select()} />
      <p>{reach === undefined ? '' : `${reachOf(reach, texts)} `}{texts.goodUntil(formatUntil(expiresAtMs))}</p>
      {hasKey && <p className="invite-secret">{texts.hasKey}</p>}
      <div className="invite-actions"><CopyButton text={link} label={texts.copyLink} /><button type="button" className="quiet" onClick={onHide}>{texts.hide}</button></div>
    </div>
  );
}

function Join() {
  const { client } = useApp();
  const texts = useTexts().invite;
  const [link, setLink] = useState('');
  const [checked, check, forgetCheck] = useTask<JoinPlan>();
  const [joined, join, forgetJoin] = useTask<JoinPlan>();
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
    <form className="join" aria-label={texts.join} onSubmit={onCheck}>
      <label htmlFor="join-link">{texts.joinBy}</label>
      <div className="join-row">
        <input id="join-link" value={link} maxLength={INVITE_LIMITS.maxLinkChars} placeholder="omni://join/…" autoComplete="off" spellCheck={false} onChange={(event) => onChange(event.target.value)} />
        <button type="submit" className="quiet" disabled={link.trim() === '' || checked.kind === 'busy'}>{texts.check}</button>
      </div>
      {failure?.kind === 'failed' && <ErrorCard error={failure.error} />}
      {checked.kind === 'done' && joined.kind !== 'done' && <PlanView plan={checked.value} isBusy={joined.kind === 'busy'} onJoin={onJoin} />}
      {joined.kind === 'done' && <p role="status">{joined.value.needsRestart ? texts.joinedRestart : texts.joinedNow}</p>}
    </form>
  );
}

const zoneOf = (zone: JoinPlan['zone'], texts: Texts['invite']): string => ({ local: texts.zoneLocal, private: texts.zonePrivate, public: texts.zonePublic })[zone];

/** Who invites where to, and what joining changes here. */
export function PlanText({ plan: { inviter, zone, zoneName, expiresAtMs, steps } }: { readonly plan: JoinPlan }) {
  const texts = useTexts().invite;
  const place = zoneName === undefined ? zoneOf(zone, texts) : texts.zoneNamed(zoneOf(zone, texts), zoneName);
  return (
    <>
      <p title={inviter}>{texts.invitesTo(shortPeer(inviter), place, formatUntil(expiresAtMs))}</p>
      {steps.length === 0 ? <p>{texts.isMember}</p> : <><p>{texts.willDo}</p><ul lang="en">{steps.map((step) => <li key={step}>{step}</li>)}</ul></>}
    </>
  );
}

function PlanView({ plan, isBusy, onJoin }: { readonly plan: JoinPlan; readonly isBusy: boolean; readonly onJoin: () => void }) {
  const texts = useTexts().invite;
  const { steps } = plan;
  return (
    <div className="join-plan" role="status">
      <PlanText plan={plan} />
      <button type="button" className="main" disabled={isBusy} onClick={onJoin}>{steps.length === 0 ? texts.connect : texts.doJoin}</button>
    </div>
  );
}
