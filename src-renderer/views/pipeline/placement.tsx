import type { PlacementView } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp, useHost } from '../../stores/context.ts';
import { formatLayers, formatMs, formatRate, shortPeer } from '../../stores/format.ts';
import { deviation, shortSentence } from '../../stores/pipeline.ts';
import { useTask } from '../../stores/use-task.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

type Expected = NonNullable<PlacementView['current']['predicted']>;

/** What the planner says of the model in use, when it is asked. */
export function Placement() {
  const { client } = useApp();
  const { pipeline } = useTexts();
  const canAsk = useHost(({ link, state }) => link === 'online' && state?.status.kind === 'ready');
  const [asked, ask] = useTask<PlacementView>();
  return (
    <>
      <button type="button" className="quiet plan-ask" disabled={!canAsk || asked.kind === 'busy'} onClick={() => ask(client.call('pipeline.plan', {}))}>{asked.kind === 'done' ? pipeline.planAgain : pipeline.plan}</button>
      <div role="status">
        {asked.kind === 'busy' && <p className="hint">{pipeline.planning}</p>}
        {asked.kind === 'done' && <PlanView plan={asked.value} />}
      </div>
      {asked.kind === 'failed' && <ErrorCard error={asked.error} />}
    </>
  );
}

function PlanView({ plan: { asked, silent, current, plan, refusal, measured, record } }: { readonly plan: PlacementView }) {
  const { pipeline } = useTexts();
  const isSame = plan !== undefined && JSON.stringify(plan.stages) === JSON.stringify(current.stages);
  const why = plan?.explanation.filter((sentence) => !plan.leftOut.some(({ peerId, text }) => sentence.includes(peerId) && sentence.includes(text))) ?? [];
  return (
    <div className="placement">
      <p>{pipeline.planAsked(asked.length, silent.length)} {plan !== undefined && <strong>{isSame ? pipeline.same : pipeline.differs}</strong>}</p>
      {refusal !== undefined && <div className="refusal"><p><strong>{pipeline.refused}</strong></p><ErrorCard error={refusal} /><p className="hint">{pipeline.loadedAnyway}</p></div>}
      <div className="routes">
        <RouteView title={pipeline.current} stages={current.stages} predicted={current.predicted} measured={measured} isRunning />
        {plan !== undefined && !isSame && <RouteView title={pipeline.planned} stages={plan.stages} predicted={plan.predicted} measured={undefined} isRunning={false} />}
      </div>
      {why.length > 0 && <><h3>{pipeline.why}</h3><ul className="sentences" lang="en">{why.map((sentence) => <li key={sentence}>{shortSentence(sentence)}</li>)}</ul></>}
      {plan !== undefined && plan.leftOut.length > 0 && <><h3>{pipeline.leftOut}</h3><ul className="sentences" lang="en">{plan.leftOut.map(({ peerId, text }) => <li key={peerId}><code title={peerId}>{shortPeer(peerId)}</code> {shortSentence(text)}</li>)}</ul></>}
      {record !== undefined && <p className="hint record">{pipeline.record(record.answers)} {pipeline.recordOf(figures(record.predicted), figures(record.measured))}</p>}
    </div>
  );
}

const speed = ({ tokensPerSecond }: Expected): string => formatRate(tokensPerSecond);
const figures = (expected: Expected): string => `${speed(expected)}, ${formatMs(expected.ttftMs)}`;

interface RouteProps {
  readonly title: string;
  readonly stages: PlacementView['current']['stages'];
  readonly predicted: Expected | undefined;
  readonly measured: PlacementView['measured'];
  readonly isRunning: boolean;
}

/** Who runs what, what is expected of that, and what it does. */
function RouteView({ title, stages, predicted, measured, isRunning }: RouteProps) {
  const { pipeline } = useTexts();
  return (
    <section className="route" aria-label={title}>
      <h3>{title}</h3>
      <ol className="route-stages">{stages.map(({ peerId, layers }) => <li key={`${peerId}-${layers[0]}`}>{formatLayers(layers)} <code title={peerId}>{shortPeer(peerId)}</code></li>)}</ol>
      <dl className="pipe-facts">
        <dt>{pipeline.predicted}</dt>
        <dd>{predicted === undefined ? <span className="hint">{pipeline.notPredicted}</span> : <>{speed(predicted)} <span className="hint">{pipeline.first} {formatMs(predicted.ttftMs)}</span></>}</dd>
        {isRunning && (
          <>
            <dt>{pipeline.actual}</dt>
            <dd>
              {measured === undefined ? <span className="hint">{pipeline.notMeasured}</span> : <>{speed(measured)} <span className="hint">{pipeline.first} {formatMs(measured.ttftMs)}, {pipeline.ofAnswers(measured.answers)}</span></>}
              {measured !== undefined && predicted !== undefined && <span className="deviation">{deviation(predicted.tokensPerSecond, measured.tokensPerSecond, pipeline)}</span>}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
