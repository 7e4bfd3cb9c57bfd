import { useId, useState } from 'react';
import type { AnswerDetail, AnswerEntry, StageLoss } from '../../../src-preload/bridge/index.ts';
import { formatTime, useTexts, type Texts } from '../../language/index.ts';
import { formatBytes, formatLayers, formatMs, formatRange, formatRate, shortPeer } from '../../stores/format.ts';
import { shortSentence } from '../../stores/pipeline.ts';
import { useAnswer, useHistory } from '../../stores/use-pipeline.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

/** Answers that are over, the newest first; each opens. */
export function AnswersOverTime() {
  const { pipeline } = useTexts();
  const { answers, total, error, more, forget } = useHistory();
  return (
    <>
      {error !== undefined && <ErrorCard error={error} />}
      {answers?.length === 0 && <p className="hint">{pipeline.noAnswers}</p>}
      {answers !== undefined && answers.length > 0 && (
        <>
          <ul className="answers">{answers.map((answer) => <AnswerRow key={answer.id} answer={answer} />)}</ul>
          <div className="answers-foot">
            <span className="hint">{pipeline.shown(answers.length, total)}</span>
            {answers.length < total && <button type="button" className="quiet" onClick={more}>{pipeline.older}</button>}
            <Forget onForget={forget} />
          </div>
        </>
      )}
    </>
  );
}

function Forget({ onForget }: { readonly onForget: () => void }) {
  const { pipeline } = useTexts();
  const [isSure, setSure] = useState(false);
  if (!isSure) return <button type="button" className="quiet forget" onClick={() => setSure(true)}>{pipeline.forget}</button>;
  return (
    <span className="forget">
      <button type="button" className="quiet" onClick={() => { setSure(false); onForget(); }}>{pipeline.forgetSure}</button>
      <button type="button" className="quiet" autoFocus onClick={() => setSure(false)}>{pipeline.keep}</button>
    </span>
  );
}

const whenOf = (unixMs: number): string => formatTime(unixMs, { dateStyle: 'short', timeStyle: 'medium' });

function factsOf({ tokens, tokensPerSecond, ttftMs, stages, machines }: AnswerEntry, { pipeline }: Texts): string {
  const facts = [
    pipeline.tokensOf(tokens), tokensPerSecond === undefined ? undefined : formatRate(tokensPerSecond), ttftMs === undefined ? undefined : `${pipeline.first} ${formatMs(ttftMs)}`,
    pipeline.stagesOver(stages, machines),
  ];
  return facts.filter((fact) => fact !== undefined).join(' · ');
}

function AnswerRow({ answer }: { readonly answer: AnswerEntry }) {
  const texts = useTexts();
  const { pipeline } = texts;
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const { endedAt, finishReason, errorCode, failovers, pausedMs } = answer;
  const isGood = finishReason === 'stop' || finishReason === 'length';
  return (
    <li>
      <button type="button" className="answer-row" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        <time className="answer-when" dateTime={new Date(endedAt).toISOString()}>{whenOf(endedAt)}</time>
        <span className="answer-facts">{factsOf(answer, texts)}</span>
        <span className="answer-end">
          {failovers > 0 && <span className="answer-mark answer-mark-loss">{pipeline.losses(failovers)}{pausedMs === undefined ? '' : `, ${pipeline.paused(formatMs(pausedMs))}`}</span>}
          <span className={isGood ? 'answer-mark' : 'answer-mark answer-mark-bad'}>{pipeline.finish[finishReason]}{errorCode !== undefined && <> <code>{errorCode}</code></>}</span>
        </span>
      </button>
      <div id={id} className="answer-detail" hidden={!isOpen}>{isOpen && <Detail id={answer.id} />}</div>
    </li>
  );
}

function Detail({ id }: { readonly id: number }) {
  const { pipeline } = useTexts();
  const asked = useAnswer(id, true);
  if (asked.kind === 'busy') return <p className="hint">{pipeline.detailLoading}</p>;
  if (asked.kind === 'failed') return asked.error === undefined ? null : <ErrorCard error={asked.error} />;
  const { value } = asked;
  return (
    <>
      <Figures answer={value} />
      {value.route.some(({ msPerToken, prefillMs }) => msPerToken !== undefined || prefillMs !== undefined) && <RouteTable route={value.route} />}
      {value.losses.length > 0 && <ul className="sentences">{value.losses.map((loss, index) => <li key={index}><LossText loss={loss} /></li>)}</ul>}
    </>
  );
}

function Figures({ answer: { model, promptTokens, reusedTokens, replayedTokens, queuedMs, durationMs, itlMs } }: { readonly answer: AnswerDetail }) {
  const { pipeline } = useTexts();
  return (
    <dl className="pipe-facts answer-figures">
      <dt>{pipeline.model}</dt><dd>{model}</dd>
      <dt>{pipeline.promptTokens}</dt><dd>{pipeline.promptOf(promptTokens, reusedTokens)}</dd>
      {replayedTokens > 0 && <><dt>{pipeline.replayed}</dt><dd>{pipeline.tokensOf(replayedTokens)}</dd></>}
      {queuedMs !== undefined && <><dt>{pipeline.queued}</dt><dd>{formatMs(queuedMs)}</dd></>}
      {itlMs !== undefined && <><dt>{pipeline.gaps}</dt><dd>{pipeline.gapsOf(formatMs(itlMs.p50), formatMs(itlMs.p99))}</dd></>}
      <dt>{pipeline.total}</dt><dd>{formatMs(durationMs)}</dd>
    </dl>
  );
}

const ms = (value: number | undefined): string => (value === undefined ? '' : formatMs(value));

/** What each stage took of the answer. */
function RouteTable({ route }: { readonly route: AnswerDetail['route'] }) {
  const { pipeline } = useTexts();
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={pipeline.stages}>
      <table>
        <thead><tr>{[pipeline.layers, pipeline.machine, pipeline.prompt, pipeline.compute, pipeline.wait, pipeline.wireName, pipeline.sentOn].map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {route.map(({ peerId, ownership, layers, backend, prefillMs, msPerToken, waitMsPerToken, wireMsPerToken, bytesOut }) => (
            <tr key={`${peerId}-${layers[0]}`}>
              <th scope="row">{formatRange(layers)}</th>
              <td title={peerId}>{pipeline.owner[ownership]} <code>{shortPeer(peerId)}</code> {backend.toUpperCase()}</td>
              <td>{ms(prefillMs)}</td><td>{ms(msPerToken)}</td><td>{ms(waitMsPerToken)}</td><td>{ms(wireMsPerToken)}</td><td>{bytesOut === undefined ? '' : formatBytes(bytesOut)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="hint">{`${pipeline.compute}, ${pipeline.wait.toLowerCase()}, ${pipeline.wire}: ${pipeline.perToken}`}</p>
    </div>
  );
}

function LossText({ loss: { peerId, layers, code, message, afterTokens, pausedMs, takenBy } }: { readonly loss: StageLoss }) {
  const { pipeline } = useTexts();
  const what = peerId === undefined || layers === undefined ? pipeline.lossUnnamed(afterTokens) : pipeline.lossOf(formatLayers(layers), shortPeer(peerId), afterTokens);
  const who = takenBy.map((stage) => `${shortPeer(stage.peerId)} (${formatLayers(stage.layers).toLowerCase()})`).join(', ');
  return <>{what}; {pausedMs === undefined ? pipeline.endedThere : pipeline.wentOn(formatMs(pausedMs))}{who === '' ? '' : `, ${pipeline.takenBy(who)}`}. <span className="hint" lang="en">{shortSentence(message)} <code>{code}</code></span></>;
}
