import type { ActivationDtype, StageDtypes } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { StageAssignment } from '../ports.ts';
import { FEATURES } from '../wire/constants.ts';
import type { StageClient } from './stage-client.ts';

/** A stage of a route that says as what it sends hidden states on. */
export type RouteStage = StageAssignment & Required<Pick<StageAssignment, 'sends'>>;

export const withDtype = (route: readonly StageAssignment[], dtype: ActivationDtype): RouteStage[] => route.map((stage) => ({ ...stage, sends: stage.sends ?? dtype }));

/** What a stage takes and sends. Where no hidden states come in, or none go out, both are the same, so that older stages can serve there. */
export function dtypesOf(route: readonly RouteStage[], stage: number): StageDtypes {
  const own = route[stage]?.sends ?? 'f32';
  const before = route[stage - 1]?.sends ?? own;
  return { takes: before, sends: stage === route.length - 1 ? before : own };
}

/** @throws PIPELINE_STAGE_TOO_OLD naming a stage that has not the dtypes of its boundaries */
export function checkDtypes(route: readonly RouteStage[], clients: readonly StageClient[]): void {
  for (const { ref, link } of clients) {
    const { takes, sends } = dtypesOf(route, ref.stage);
    if (takes !== sends && !link.knows('boundary')) throw pipelineErrors.stageTooOld({ ...ref, feature: FEATURES.boundary, reason: `it cannot take ${takes} and send ${sends}` });
    if ([takes, sends].includes('q8') && route.length > 1 && !link.knows('q8')) throw pipelineErrors.stageTooOld({ ...ref, feature: FEATURES.q8, reason: 'it does not know rows in q8' });
  }
}
