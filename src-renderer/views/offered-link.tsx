import { useState } from 'react';
import type { JoinPlan, OfferedLink } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';
import { useCommand } from '../stores/use-command.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { PlanText } from './invite-panel.tsx';

/** An invitation that the system handed to the app: joined only by a click here. */
export function OfferedLinkPanel() {
  const { invite, shell: texts } = useTexts();
  const offered = useHost((view) => view.state?.offeredLink);
  // The host forgets a link that was joined; what came of it stays until it was read.
  const [joined, setJoined] = useState<JoinPlan>();
  if (offered !== undefined) return <Offer key={offered.id} offered={offered} onJoined={setJoined} />;
  if (joined === undefined) return null;
  return (
    <section className="offered" aria-label={texts.invitation}>
      <p role="status">{joined.needsRestart ? invite.joinedRestart : invite.joinedNow}</p>
      <button type="button" className="quiet" onClick={() => setJoined(undefined)}>{texts.close}</button>
    </section>
  );
}

function Offer({ offered, onJoined }: { readonly offered: OfferedLink; readonly onJoined: (plan: JoinPlan) => void }) {
  const { client } = useApp();
  const { invite, shell: texts } = useTexts();
  const { isBusy, error, run } = useCommand();
  const { id } = offered;
  const join = (): void => void run(() => client.call('link.join', { id }).then(onJoined));
  const dismiss = (): void => void run(() => client.call('link.dismiss', { id }));
  return (
    <section className="offered" aria-label={texts.invitation}>
      <h2>{texts.invitation}</h2>
      <p role="status">{offered.kind === 'checked' ? texts.invitationFrom : texts.invitationRefused}</p>
      {offered.kind === 'checked' ? <PlanText plan={offered.plan} /> : <ErrorCard error={offered.error} />}
      {error !== undefined && <ErrorCard error={error} />}
      <div className="offered-actions">
        {offered.kind === 'checked' && <button type="button" className="main" disabled={isBusy} onClick={join}>{isBusy ? texts.joining : offered.plan.steps.length === 0 ? invite.connect : texts.join}</button>}
        <button type="button" className="quiet" disabled={isBusy} onClick={dismiss}>{offered.kind === 'checked' ? texts.notNow : texts.close}</button>
      </div>
    </section>
  );
}
