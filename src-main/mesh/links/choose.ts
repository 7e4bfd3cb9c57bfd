import type { Route } from '../types.ts';

export interface LinkView {
  /** E.g. `quic`. */
  readonly name: string;
  readonly route: Route;
  /** Measured round trip; undefined until then. */
  readonly costMs: number | undefined;
}

export interface LinkChoice {
  readonly index: number;
  /** In words, for the node's owner. */
  readonly why: string;
}

/** Another link is taken when it is better by as much: two that are nearly alike would change places all the time. */
const BETTER_SHARE = 0.8;
const BETTER_MS = 0.1;
/** Others named in the reason. */
const MAX_TOLD = 4;

/**
 * Which of several connections to one peer new streams take: a direct one before a relayed one, then the one with the least measured round
 * trip, then the oldest (the order given is that of age). `current` is the one taken so far. Undefined when there is none.
 */
export function chooseLink(links: readonly LinkView[], current = -1): LinkChoice | undefined {
  const route: Route = links.some((link) => link.route === 'direct') ? 'direct' : 'relayed';
  const able = links.map((link, index) => ({ ...link, index })).filter((link) => link.route === route);
  const [first, ...others] = able.toSorted((a, b) => cost(a) - cost(b));
  if (first === undefined) return undefined;
  const held = able.find(({ index }) => index === current);
  const best = held !== undefined && !isBetter(first, held) ? held : first;
  return { index: best.index, why: why(best, { all: links, isAlone: others.length === 0 }) };
}

const cost = ({ costMs }: LinkView): number => costMs ?? Number.POSITIVE_INFINITY;

function isBetter(one: LinkView, other: LinkView): boolean {
  if (one.costMs === undefined) return false;
  return other.costMs === undefined || (one.costMs < other.costMs * BETTER_SHARE && one.costMs < other.costMs - BETTER_MS);
}

type Chosen = LinkView & { readonly index: number };

function why(best: Chosen, { all, isAlone }: { readonly all: readonly LinkView[]; readonly isAlone: boolean }): string {
  if (all.length === 1) return best.route === 'direct' ? 'the only connection' : 'no direct connection';
  if (isAlone) return best.route === 'direct' ? 'direct, the others are relayed' : 'no direct connection';
  const route = best.route === 'direct' ? '' : 'no direct connection; ';
  const others = all.filter((link, index) => index !== best.index && link.route === best.route);
  if (best.costMs === undefined) return `${route}the oldest, none is measured yet`;
  return `${route}${[best, ...others.slice(0, MAX_TOLD)].map(told).join(', ')}`;
}

const told = ({ name, costMs }: LinkView): string => `${name} ${costMs === undefined ? 'not measured' : `${costMs.toFixed(costMs < 10 ? 2 : 0)} ms`}`;
