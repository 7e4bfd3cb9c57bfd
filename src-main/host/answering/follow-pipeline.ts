import { stagesOf } from '../chat-status.ts';
import { isSettled } from '../lessons.ts';
import { reportStages } from '../session.ts';
import type { Told } from './told.ts';
import type { Running } from './types.ts';
import type { AnswersUnderWay } from './under-way.ts';

/** Tells what happens to its pipeline, and whom it answers for; the planner learns from answers that went undisturbed. */
export function followPipeline({ route, session: { pipeline } }: Running, { told, answers }: { readonly told: Told; readonly answers: AnswersUnderWay }): void {
  const { ownershipOf, lessons } = route;
  pipeline.events.on('answered', (answer) => {
    told.measured(answer.stats);
    if (isSettled(answer)) lessons?.add({ stats: answer.stats, stages: reportStages(pipeline, answer.stats) });
  });
  pipeline.events.on('stage:lost', ({ error }) => {
    told.lostStage(error.meta['peer']);
    answers.tell({ progress: { kind: 'recovering' } });
  });
  pipeline.events.on('rerouted', () => {
    told.setStages(stagesOf(pipeline, { state: answers.isIdle ? 'ready' : 'busy', ownershipOf }));
    answers.tell({ progress: { kind: 'answering' } });
  });
}
