import { toCoded, type CodedError } from '../../base/index.ts';
import type { RouteStage } from '../coordinator/boundaries.ts';
import type { OpenedStages } from '../coordinator/open-stages.ts';
import { pipelineErrors, type FailedFetch, type StageRef } from '../errors.ts';
import { keepBoundaries } from './boundaries.ts';
import type { Reroute } from './reroute.ts';

/** What other stages may put right. A refusal is not among them: the stage is there, and says why. One that left told so, and stays away. */
const RECOVERABLE: readonly string[] = ['PIPELINE_STAGE_LOST', 'PIPELINE_STAGE_TIMEOUT', 'PIPELINE_STAGE_MISBEHAVED', 'PIPELINE_STAGE_FAILED', 'PIPELINE_STAGE_SLOW', 'PIPELINE_STAGE_TOO_OLD', 'PIPELINE_STAGE_NOT_FETCHED', 'PIPELINE_STAGE_LEFT'];

export const canRecover = (error: CodedError): boolean => RECOVERABLE.includes(error.code);

export interface Rerouted {
  readonly opened: OpenedStages;
  readonly route: readonly RouteStage[];
}

export interface RecoveryInit {
  readonly reroute: Reroute;
  /** Hears of each route before it is opened. */
  readonly onRoute: (route: readonly RouteStage[]) => void;
  readonly open: (route: readonly RouteStage[], signal: AbortSignal) => Promise<OpenedStages>;
  readonly route: readonly RouteStage[];
  /** Routes that are tried at most: a stage that is lost while it opens makes for another. */
  readonly attempts: number;
  readonly signal: AbortSignal;
}

/** The way from a lost stage to a route that stands. */
export class Recovery {
  readonly #init: RecoveryInit;

  constructor(init: RecoveryInit) {
    this.#init = init;
  }

  /** @throws PIPELINE_NOT_RECOVERED naming the stage that was lost first, and why nothing takes its place */
  async run(error: CodedError): Promise<Rerouted> {
    const { reroute, open, onRoute, route, attempts, signal } = this.#init;
    const isSlow = error.code === 'PIPELINE_STAGE_SLOW';
    const first = [stageOf(error)];
    const avoid = isSlow ? first : [];
    const lost: StageRef[] = isSlow ? [] : first;
    const fetches: FailedFetch[] = [];
    for (let attempt = 1; ; attempt++) {
      try {
        const next = keepBoundaries(await reroute({ route, lost, avoid, unfetched: fetches.map(({ peer }) => peer), signal }), route);
        onRoute(next);
        return { opened: knowingReplay(await open(next, signal)), route: next };
      } catch (reason) {
        const coded = toCoded(reason);
        if (!canRecover(coded) || attempt >= attempts || signal.aborted) throw pipelineErrors.notRecovered({ ...stageOf(error), code: coded.code, reason: coded.message, lossCode: error.code, ...(fetches.length === 0 ? {} : { fetches }) }, error);
        // Who did not get layers is there all the same, with those that it holds.
        if (coded.code === 'PIPELINE_STAGE_NOT_FETCHED') fetches.push(failedFetch(coded));
        else lost.push(stageOf(coded));
      }
    }
  }
}

const failedFetch = ({ meta }: CodedError): FailedFetch => {
  const { peer, code, reason } = meta as unknown as StageRef & { code: string; reason: string };
  return { peer, code, reason };
};

/** @throws PIPELINE_STAGE_FAILED for a stage of an older version; no stage stays open then */
function knowingReplay(opened: OpenedStages): OpenedStages {
  const older = opened.clients.find(({ link }) => !link.knows('replay'));
  if (older === undefined) return opened;
  for (const client of opened.clients) client.close();
  throw pipelineErrors.stageFailed({ ...older.ref, code: 'PIPELINE_NO_REPLAY', reason: 'its version cannot take over an answer under way' });
}

// Every recoverable error names its stage: pipelineErrors gives them no other meta.
const stageOf = ({ meta }: CodedError): StageRef => meta as unknown as StageRef;
