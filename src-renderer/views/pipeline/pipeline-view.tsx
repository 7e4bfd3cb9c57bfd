import { lazy, Suspense } from 'react';
import { useTexts } from '../../language/index.ts';
import { AnswersOverTime } from './history.tsx';
import { Placement } from './placement.tsx';
import { Stages } from './stages.tsx';

// Drawing takes as much code as all the rest of the page: it is loaded when it is looked at.
const Charts = lazy(() => import('./charts.tsx').then(({ Charts: view }) => ({ default: view })));

/** What runs the model, how fast it is and was, why there, and what happened to its answers. */
export function PipelineView() {
  const { pipeline } = useTexts();
  return (
    <main className="pipeline">
      <section className="card wide" aria-labelledby="pipeline-stages">
        <h2 id="pipeline-stages">{pipeline.stages}</h2>
        <p className="hint">{pipeline.stagesText}</p>
        <Stages />
      </section>
      <section className="card wide" aria-labelledby="pipeline-charts">
        <Suspense fallback={<><h2 id="pipeline-charts">{pipeline.charts}</h2><p className="hint" role="status">{pipeline.loadingCharts}</p></>}><Charts /></Suspense>
      </section>
      <section className="card wide" aria-labelledby="pipeline-placement">
        <h2 id="pipeline-placement">{pipeline.placement}</h2>
        <p className="hint">{pipeline.placementText}</p>
        <Placement />
      </section>
      <section className="card wide" aria-labelledby="pipeline-answers">
        <h2 id="pipeline-answers">{pipeline.history}</h2>
        <p className="hint">{pipeline.historyText}</p>
        <AnswersOverTime />
      </section>
    </main>
  );
}
