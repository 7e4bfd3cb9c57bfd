import { useEffect, useState, type FormEvent } from 'react';
import type { ContributeLimits, Contribution } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp } from '../stores/context.ts';
import { useCommand } from '../stores/use-command.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { HowMuch, Schedule, When, hasWholeHours } from './limit-fields.tsx';

/** The owner's limits; nothing is changed before it is saved. */
export function ContributeLimitsForm({ now: { limits, machine } }: { readonly now: Contribution }) {
  const { contribute: texts } = useTexts();
  const { client } = useApp();
  const { isBusy, error, run } = useCommand();
  const [draft, setDraft] = useState(limits);
  const [isSaved, setSaved] = useState(false);
  const kept = JSON.stringify(limits);
  // Changed elsewhere: by the tray, or the command line.
  useEffect(() => setDraft(JSON.parse(kept) as ContributeLimits), [kept]);
  const onChange = (change: Partial<ContributeLimits>): void => {
    setSaved(false);
    setDraft((before) => ({ ...before, ...change }));
  };
  const isWhole = hasWholeHours(draft);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (isWhole) void run(() => client.call('contribute.set', { limits: draft })).then(setSaved);
  };
  const fields = { draft, onChange, machine };
  return (
    <form className="card contribute-limits" aria-labelledby="contribute-limits" onSubmit={onSubmit}>
      <h3 id="contribute-limits">{texts.limits}</h3>
      <p className="contribute-note">{texts.limitsHint}</p>
      <div className="fields"><HowMuch {...fields} /><When {...fields} /></div>
      <Schedule {...fields} />
      <div className="contribute-save">
        <button type="submit" className="main" disabled={isBusy || JSON.stringify(draft) === kept || !isWhole}>{texts.save}</button>
        <p role="status">{isSaved ? texts.saved : isWhole ? '' : texts.noDay}</p>
      </div>
      {error !== undefined && <ErrorCard error={error} />}
    </form>
  );
}
