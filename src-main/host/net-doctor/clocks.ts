import { MAX_SKEW_MS } from '../../mesh/index.ts';
import type { NetFinding } from './report.ts';
import { duration, shortPeer } from './words.ts';

export interface ClockFact {
  readonly peerId: string;
  /** Negative: it is behind ours. */
  readonly aheadMs: number;
}

/** What beats, busy machines and drift account for. */
const CLOSE_MS = 10_000;
const OWN = 'Set this machine\'s clock by the network\'s time: `timedatectl set-ntp true` on Linux, Date & Time in the settings of macOS and Windows.';
const THEIRS = 'Set the clock there by the network\'s time: `timedatectl set-ntp true` on Linux, Date & Time in the settings of macOS and Windows.';
const UNSEEN = `; more than ${duration(MAX_SKEW_MS)} apart, nodes do not see each other`;
/** Findings of single clocks; the rest is counted. */
const SHOWN = 3;

/** Whose clock is wrong, by how much, and what to do. The time that most agree on counts as right, this machine's being one of them; pure. */
export function clockFindings(clocks: readonly ClockFact[]): NetFinding[] {
  const name = 'clocks';
  if (clocks.length === 0) return [{ name, verdict: 'unknown', detail: 'no member to compare this machine\'s clock with' }];
  const far = clocks.filter(({ aheadMs }) => Math.abs(aheadMs) > CLOSE_MS);
  if (far.length === 0) return [{ name, verdict: 'ok', detail: `this machine's is within ${Math.ceil(Math.max(...clocks.map(({ aheadMs }) => Math.abs(aheadMs))) / 1000)} s of those of ${members(clocks.length)}` }];
  const right = agreed([0, ...clocks.map(({ aheadMs }) => aheadMs)]);
  if (right === undefined) return far.slice(0, SHOWN).map((clock) => finding(`that of ${shortPeer(clock.peerId)} is ${duration(clock.aheadMs)} ${clock.aheadMs > 0 ? 'ahead of' : 'behind'} this machine's: one of the two is wrong`, clock.aheadMs, 'Compare both with a clock that you trust, and set the wrong one by the network\'s time (`timedatectl set-ntp true` on Linux).'));
  const own = right.mean;
  const first = Math.abs(own) <= CLOSE_MS ? [] : [finding(`this machine's is likely wrong: ${duration(own)} ${own > 0 ? 'behind' : 'ahead of'} what ${right.count} of ${members(clocks.length)} agree on`, own, OWN)];
  const others = clocks.filter(({ aheadMs }) => Math.abs(aheadMs - own) > CLOSE_MS);
  const told = others.slice(0, SHOWN).map(({ peerId, aheadMs }) => finding(`that of ${shortPeer(peerId)} is likely wrong: ${duration(aheadMs - own)} ${aheadMs > own ? 'ahead' : 'behind'}`, aheadMs, THEIRS));
  return [...first, ...told, ...(others.length > SHOWN ? [finding(`those of ${others.length - SHOWN} more differ too`, 0, undefined)] : [])];

  function finding(detail: string, apartMs: number, next: string | undefined): NetFinding {
    const isUnseen = Math.abs(apartMs) > MAX_SKEW_MS;
    return { name, verdict: isUnseen ? 'fail' : 'hint', detail: `${detail}${isUnseen ? UNSEEN : ''}`, ...(next === undefined ? {} : { next }) };
  }
}

/** The largest number of clocks that agree, without ours in the count; undefined where as many agree on something else. */
function agreed(offsetsMs: readonly number[]): { readonly mean: number; readonly count: number } | undefined {
  const sorted = offsetsMs.toSorted((a, b) => a - b);
  const groups = sorted.map((from) => sorted.filter((one) => one >= from && one - from <= CLOSE_MS)).toSorted((a, b) => b.length - a.length);
  const [best = [], ...rest] = groups;
  const isTie = rest.some((group) => group.length === best.length && Math.abs((group[0] ?? 0) - (best[0] ?? 0)) > CLOSE_MS);
  if (isTie) return undefined;
  const mean = best.includes(0) ? 0 : best.reduce((sum, one) => sum + one, 0) / best.length;
  return { mean, count: best.length - (best.includes(0) ? 1 : 0) };
}

const members = (count: number): string => `${count} ${count === 1 ? 'member' : 'members'}`;
