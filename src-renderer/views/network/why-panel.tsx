import { type FormEvent } from 'react';
import { NETWORK_LIMITS, type NetCheck, type NetFinding } from '../../../src-preload/bridge/index.ts';
import { useTexts, type Texts } from '../../language/index.ts';
import type { CheckView } from '../../stores/network.ts';
import { CopyButton } from '../../widgets/copy-button.tsx';
import { ErrorCard } from '../../widgets/error-card.tsx';

type Words = Texts['network'];
const titleOf = (name: string, { checks }: Words): readonly [title: string, meaning: string] => checks[name] ?? [name, ''];
const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface WhyPanelProps {
  readonly view: CheckView;
  readonly target: string;
  readonly onTarget: (text: string) => void;
}

/** Why others, or one of them, are not reached: each thing that was looked at, what it means, what to do. */
export function WhyPanel({ view: { check, error, isRunning, start, stop }, target, onTarget }: WhyPanelProps) {
  const { network } = useTexts();
  const wanted = target.trim();
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    start(wanted === '' ? undefined : wanted);
  };
  return (
    <form className="why" onSubmit={onSubmit}>
      <p>{network.whyIntro}</p>
      <label htmlFor="why-target">{network.whyTarget}</label>
      <div className="join-row">
        <input id="why-target" value={target} maxLength={NETWORK_LIMITS.targetChars} placeholder={network.whyTargetHint} autoComplete="off" spellCheck={false} onChange={(event) => onTarget(event.target.value)} />
        {isRunning ? <button type="button" className="quiet" onClick={stop}>{network.whyStop}</button> : <button type="submit" className="quiet">{network.whyRun}</button>}
      </div>
      {error !== undefined && <ErrorCard error={error} />}
      <p className="why-state" role="status">{isRunning ? `${check?.doing === undefined || check.doing === '' ? network.whyLooking : `${check.doing} …`}` : check === undefined ? '' : summary(check, network)}</p>
      {isRunning && <progress className="why-progress" aria-label={network.whyLooking} />}
      {check !== undefined && check.findings.length > 0 && <Findings findings={check.findings} texts={network} />}
      {check !== undefined && !isRunning && check.findings.length > 0 && <div className="row-actions"><CopyButton text={() => asText(check.findings, network)} label={network.whyCopy} /></div>}
    </form>
  );
}

function summary({ findings, isCancelled }: NetCheck, texts: Words): string {
  if (isCancelled) return texts.whyStopped;
  const [bad, notes] = [findings.filter(({ verdict }) => verdict === 'fail').length, findings.filter(({ verdict }) => verdict === 'hint').length];
  return bad > 0 ? texts.whyBad(bad) : notes > 0 ? texts.whyNotes(notes) : texts.whyWell;
}

function Findings({ findings, texts }: { readonly findings: readonly NetFinding[]; readonly texts: Words }) {
  return (
    <ul className="findings">
      {findings.map(({ name, verdict, detail, next }, index) => {
        const [title, meaning] = titleOf(name, texts);
        return (
          <li key={`${name} ${index}`} className={`finding finding-${verdict}`}>
            <span className="finding-verdict">{texts.verdict[verdict]}</span>
            <div>
              <strong>{title}</strong> <span className="finding-meaning">{meaning}</span>
              <p>{upper(detail)}</p>
              {next !== undefined && <p className="finding-next"><span>{texts.whatToDo}:</span> {next}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** For whoever is asked for help. */
const asText = (findings: readonly NetFinding[], texts: Words): string =>
  findings.map(({ name, verdict, detail, next }) => `${texts.verdict[verdict].padEnd(9)} ${titleOf(name, texts)[0]}: ${detail}${next === undefined ? '' : `\n          ${texts.whatToDo}: ${next}`}`).join('\n');
