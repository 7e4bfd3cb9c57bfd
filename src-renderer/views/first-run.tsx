import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import type { CommandInput, ContributeLimits, ReachChoice, Setup } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { useApp, useHost } from '../stores/context.ts';
import { useCommand } from '../stores/use-command.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { HowMuch, Schedule, When, hasWholeHours } from './limit-fields.tsx';

const STEPS = 3;
const CHOICES: readonly ReachChoice[] = ['machine', 'local', 'private', 'public'];

interface Draft {
  readonly name: string;
  readonly isOn: boolean;
  readonly limits: ContributeLimits;
  readonly reach: ReachChoice;
}

/** Three steps above whatever is shown, on a machine where nobody chose or skipped yet. Nothing waits for them: the chat works below. */
export function FirstRun() {
  const { client } = useApp();
  const isOnline = useHost(({ link }) => link === 'online');
  const [setup, setSetup] = useState<Setup>();
  useEffect(() => {
    let isOver = false;
    // A host that has nothing to choose says so, and nothing is shown.
    if (isOnline) client.call('setup.get', {}).then((now) => { if (!isOver) setSetup((before) => before ?? now); }, () => undefined);
    return () => { isOver = true; };
  }, [client, isOnline]);
  return setup?.isDue === true ? <Steps setup={setup} onEnd={() => setSetup({ ...setup, isDue: false })} /> : null;
}

function Steps({ setup, onEnd }: { readonly setup: Setup; readonly onEnd: () => void }) {
  const { firstRun: texts, contribute } = useTexts();
  const { client } = useApp();
  const { isBusy, error, run } = useCommand();
  const [step, setStep] = useState(1);
  const [kept, setKept] = useState<{ readonly needsRestart: boolean }>();
  const [draft, setDraft] = useState<Draft>({ name: '', isOn: false, limits: setup.suggested, reach: 'machine' });
  const heading = useFocusOn(step);
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  const skip = () => run(() => client.call('setup.skip', {})).then((isDone) => { if (isDone) onEnd(); });
  // Limits that nobody sees are not told of, and not sent.
  const isWhole = !draft.isOn || hasWholeHours(draft.limits);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isWhole) return;
    if (step < STEPS) return setStep(step + 1);
    void run(() => client.call('setup.finish', choicesOf(draft)).then(setKept));
  };
  if (kept !== undefined) {
    return <section className="first-run" aria-label={texts.region}><p role="status">{kept.needsRestart ? texts.restart : texts.done}</p><button type="button" className="quiet" onClick={onEnd}>{texts.close}</button></section>;
  }
  const { title } = [texts.what, texts.give, texts.meet][step - 1] ?? texts.what;
  return (
    <section className="first-run" aria-label={texts.region}>
      <form onSubmit={onSubmit}>
        <p className="first-run-step">{texts.step(step, STEPS)}</p>
        <h2 ref={heading} tabIndex={-1}>{title}</h2>
        {step === 1 && <What />}
        {step === 2 && <Give setup={setup} draft={draft} onChange={change} />}
        {step === 3 && <Meet draft={draft} onChange={change} />}
        <p role="status">{isWhole ? '' : contribute.noDay}</p>
        {error !== undefined && <ErrorCard error={error} />}
        <div className="first-run-actions">
          <button type="submit" className="main" disabled={isBusy}>{step === STEPS ? texts.finish : texts.next}</button>
          {step > 1 && <button type="button" className="quiet" onClick={() => setStep(step - 1)}>{texts.back}</button>}
          <button type="button" className="quiet first-run-skip" disabled={isBusy} onClick={() => void skip()}>{texts.skip}</button>
        </div>
      </form>
    </section>
  );
}

/** The heading of a new step, so that the keyboard and screen readers go on there; not of the first, which comes by itself. */
function useFocusOn(step: number) {
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus();
    shown.current = step;
  }, [step]);
  return heading;
}

const choicesOf = ({ name, isOn, limits, reach }: Draft): CommandInput<'setup.finish'> =>
  ({ ...(name.trim() === '' ? {} : { name: name.trim() }), isOn, reach, ...(isOn ? { limits } : {}) });

function What() {
  const { firstRun: { what } } = useTexts();
  return <><p>{what.here}</p><p>{what.ready}</p><p className="field-hint">{what.state}</p></>;
}

interface StepProps {
  readonly draft: Draft;
  readonly onChange: (part: Partial<Draft>) => void;
}

function Give({ setup: { machine }, draft, onChange }: StepProps & { readonly setup: Setup }) {
  const { firstRun: { give } } = useTexts();
  const { limits } = draft;
  const fields = { draft: limits, machine, onChange: (change: Partial<ContributeLimits>) => onChange({ limits: { ...limits, ...change } }) };
  return (
    <>
      <div className="fields">
        <Field label={give.name} hint={give.nameHint}><input value={draft.name} maxLength={100} autoComplete="off" onChange={({ target }) => onChange({ name: target.value })} /></Field>
        <label className="field field-check">
          <span><input type="checkbox" checked={draft.isOn} onChange={({ target }) => onChange({ isOn: target.checked })} /> {give.contribute}</span>
          <span className="field-hint">{give.contributeHint}</span>
        </label>
        {draft.isOn && <HowMuch {...fields} />}
      </div>
      {draft.isOn && <details className="first-run-more"><summary>{give.when}</summary><div className="fields"><When {...fields} /></div><Schedule {...fields} /></details>}
    </>
  );
}

const Field = ({ label, hint, children }: { readonly label: string; readonly hint: string; readonly children: ReactNode }) => (
  <label className="field">{label}{children}<span className="field-hint">{hint}</span></label>
);

function Meet({ draft: { reach }, onChange }: StepProps) {
  const { firstRun: { meet } } = useTexts();
  return (
    <fieldset className="choices">
      <legend>{meet.legend}</legend>
      {CHOICES.map((choice) => (
        <label key={choice} className="start-choice">
          <input type="radio" name="reach" checked={reach === choice} onChange={() => onChange({ reach: choice })} />
          <span>{meet[choice]}<span className="field-hint">{meet[`${choice}Hint`]}</span></span>
        </label>
      ))}
    </fieldset>
  );
}
