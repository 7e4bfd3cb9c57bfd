import type { PeerId } from '../base/index.ts';
import { LINK_MAX_AGE_MS } from './link-meter.ts';
import type { Coordinator } from '../pipeline/index.ts';

export interface SurveyedPeer {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  /** It measures its links when asked. */
  readonly knowsLinks: boolean;
}

/** A link between two peers that one of them measured. */
export interface PairLink {
  readonly a: PeerId;
  readonly b: PeerId;
  readonly rttMs: number;
  readonly bytesPerSecond: number | undefined;
  readonly ageMs: number;
}

export interface SurveyOptions {
  readonly coordinator: Pick<Coordinator, 'measureLinks'>;
  /** Pairs that are known well enough. */
  readonly isKnown: (a: PeerId, b: PeerId) => boolean;
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}

/**
 * Has every pair of peers measured by one of the two, in rounds in which each peer takes part once, so that none is measured
 * while another takes its share of the way. What is not measured in time, or by neither, is left out.
 */
export async function surveyLinks(peers: readonly SurveyedPeer[], { coordinator, isKnown, budgetMs, signal }: SurveyOptions): Promise<PairLink[]> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(budgetMs)]);
  const links: PairLink[] = [];
  const ask = async (from: SurveyedPeer, to: SurveyedPeer): Promise<boolean> => {
    if (!from.knowsLinks || within.aborted) return false;
    const [link] = await coordinator.measureLinks({ ...from, to: [to], signal: within }).catch(() => []);
    // One that is older than anybody should remember is as none.
    if (link === undefined || link.ageMs > LINK_MAX_AGE_MS) return false;
    links.push({ ...link, a: from.peer, b: to.peer });
    return true;
  };
  for (const round of roundsOf(peers)) {
    await Promise.all(round.map(async ([a, b]) => void (isKnown(a.peer, b.peer) || await ask(a, b) || await ask(b, a))));
  }
  signal.throwIfAborted();
  return links;
}

/** All pairs, in rounds of pairs that share nobody (the circle method of tournaments: one stays, the others move on). */
export function roundsOf<T>(players: readonly T[]): (readonly [T, T])[][] {
  const seats: (T | undefined)[] = players.length % 2 === 0 ? [...players] : [...players, undefined];
  return Array.from({ length: Math.max(0, seats.length - 1) }, () => {
    const pairs = seats.slice(0, seats.length / 2).flatMap((one, i) => {
      const other = seats[seats.length - 1 - i];
      return one === undefined || other === undefined ? [] : [[one, other] as const];
    });
    seats.splice(1, 0, ...seats.splice(-1));
    return pairs;
  });
}
