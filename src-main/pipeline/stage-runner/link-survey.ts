import { RateLimiter, type Clock, type PeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import { MEASURE_RATE, MEASURE_TIMEOUT_MS } from '../options.ts';
import type { MeasureLink } from '../ports.ts';
import type { FrameType } from '../wire/constants.ts';
import type { ControlMessage } from '../wire/schema.ts';

export interface LinkSurveyInit {
  readonly measureLink: MeasureLink | undefined;
  readonly clock: Clock;
}

export interface SurveyAsker {
  readonly asker: PeerId;
  readonly signal: AbortSignal;
}

type Neighbour = Pick<Parameters<MeasureLink>[0], 'peer' | 'addresses'>;
type Links = ControlMessage<typeof FrameType.links>['links'];

/** Measures this node's links for coordinators: one after the other, within a time, and only so many for each of them. */
export class LinkSurvey {
  readonly #measureLink: MeasureLink | undefined;
  readonly #rate: RateLimiter;

  constructor({ measureLink, clock }: LinkSurveyInit) {
    this.#measureLink = measureLink;
    this.#rate = new RateLimiter(MEASURE_RATE, clock);
  }

  /** A peer that cannot be reached is left out. @throws PIPELINE_STAGE_BUSY */
  async measure(peers: readonly Neighbour[], { asker, signal }: SurveyAsker): Promise<Links> {
    if (!this.#rate.take(asker, peers.length)) throw pipelineErrors.stageBusy({ limit: MEASURE_RATE.burst, what: 'link measurements' });
    const within = AbortSignal.any([signal, AbortSignal.timeout(MEASURE_TIMEOUT_MS)]);
    const links: Links = [];
    for (const neighbour of this.#measureLink === undefined ? [] : peers) {
      const link = await this.#measureLink?.({ ...neighbour, signal: within }).catch(() => undefined);
      if (within.aborted) break;
      if (link === undefined) continue;
      const { rttMs, bytesPerSecond, ageMs } = link;
      links.push({ peer: neighbour.peer, rttMs, ageMs, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) });
    }
    return links;
  }
}
