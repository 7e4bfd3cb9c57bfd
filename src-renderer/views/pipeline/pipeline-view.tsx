import { lazy, Suspense, type ReactNode } from 'react';
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
      <Part id="pipeline-stages" title={pipeline.stages} text={pipeline.stagesText}><Stages /></Part>
      <section className="card wide" aria-labelledby="pipeline-charts">
        <Suspense fallback={<><h2 id="pipeline-charts">{pipeline.charts}</h2><p className="hint" role="status">{pipeline.loadingCharts}</p></>}><Charts /></Suspense>
      </section>
      <Part id="pipeline-placement" title={pipeline.placement} text={pipeline.placementText}><Placement /></Part>
      <Part id="pipeline-answers" title={pipeline.history} text={pipeline.historyText}><AnswersOverTime /></Part>
    </main>
  );
}

const Part = ({ id, title, text, children }: { readonly id: string; readonly title: string; readonly text: string; readonly children: ReactNode }) => (
  <section className="card wide" aria-labelledby={id}>
    <h2 id={id}>{title}</h2>
    <p className="hint">{text}</p>
    {children}
  </section>
);
