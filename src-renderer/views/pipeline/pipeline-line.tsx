import { useTexts } from '../../language/index.ts';
import { useHost } from '../../stores/context.ts';
import { privacyOf } from '../../stores/format.ts';
import { pipelineLine } from '../../stores/pipeline.ts';
import type { PlaceProps } from '../places.tsx';

/** One line above a chat: what answers it and, once it is begun, who sees it (before, that stands above the question). */
export function PipelineLine({ onGo, isBegun }: PlaceProps & { readonly isBegun: boolean }) {
  const { pipeline } = useTexts();
  const stages = useHost((view) => view.state?.stages) ?? [];
  const activity = useHost((view) => view.state?.activity);
  const paying = useHost((view) => view.state?.paying);
  const privacy = privacyOf(stages, paying);
  if (stages.length === 0 && (privacy === undefined || !isBegun)) return null;
  const isLost = stages.some(({ state }) => state === 'lost');
  return (
    <section className="strip" aria-label={pipeline.stages}>
      {stages.length > 0 && <button type="button" className={isLost ? 'strip-line strip-open' : 'strip-line'} title={pipeline.open} onClick={() => onGo('pipeline')}>{pipelineLine(stages, activity, pipeline)}</button>}
      {isBegun && privacy !== undefined && <p className={privacy.isPrivate ? 'strip-privacy' : 'strip-privacy strip-open'}>{privacy.text}</p>}
    </section>
  );
}
