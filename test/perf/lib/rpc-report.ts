import { median, table } from './report.ts';

/** One system's answer in one round at one round trip time. */
export interface Run {
  readonly round: number;
  readonly rttMs: number;
  readonly system: 'omninode' | 'rpc' | 'repacked' | 'plain';
  readonly msPerToken: number;
  readonly tokens: readonly number[];
}

/** What the runs say together. Times are medians over the rounds, ms per token; ratios medians of the rounds' ratios. */
export interface Summary {
  /** All systems gave the same tokens. */
  readonly exact: boolean;
  /** How many tokens the two systems had in common before they parted; all of them when `exact`. */
  readonly commonTokens: number;
  /** Each system gave the tokens of llama.cpp alone with the same layout of weights. */
  readonly asAlone: { readonly omninode: boolean; readonly rpc: boolean };
  readonly aloneMs: { readonly repacked: number; readonly plain: number };
  readonly rtt: readonly AtRtt[];
}
export interface AtRtt {
  readonly rttMs: number;
  readonly rpcMs: number;
  readonly omninodeMs: number;
  /** RPC's time over ours. */
  readonly ratio: number;
  /** C + S r/2, with C our time at no round trip time. */
  readonly expectedMs: number;
  readonly overExpected: number;
  /** What a token took more than at no round trip time, in round trips; null there. */
  readonly roundTrips: { readonly rpc: number; readonly omninode: number } | null;
}

const rounded = (value: number): number => Number(value.toFixed(4));

export function summarise(runs: readonly Run[], stages: number): Summary {
  const of = (system: Run['system'], rttMs = 0): readonly Run[] => runs.filter((run) => run.system === system && run.rttMs === rttMs);
  const times = (system: Run['system'], rttMs = 0): readonly number[] => of(system, rttMs).map((run) => run.msPerToken);
  const isOne = (...systems: readonly Run['system'][]): boolean => new Set(runs.filter((run) => systems.includes(run.system)).map((run) => run.tokens.join())).size === 1;
  const computeMs = median(times('omninode'));
  const roundTrips = (system: Run['system'], rttMs: number): number => rounded((median(times(system, rttMs)) - median(times(system))) / rttMs);
  const atRtt = (rttMs: number): AtRtt => {
    const [ours, theirs] = [times('omninode', rttMs), times('rpc', rttMs)];
    // A token passes every boundary once, the one from the last stage to the first too: half a round trip each.
    const expectedMs = computeMs + (stages * rttMs) / 2;
    return {
      rttMs, rpcMs: rounded(median(theirs)), omninodeMs: rounded(median(ours)), ratio: rounded(median(theirs.map((ms, i) => ms / (ours[i] ?? Number.NaN)))),
      expectedMs: rounded(expectedMs), overExpected: rounded(median(ours) / expectedMs),
      roundTrips: rttMs === 0 ? null : { rpc: roundTrips('rpc', rttMs), omninode: roundTrips('omninode', rttMs) },
    };
  };
  return {
    exact: isOne('omninode', 'rpc', 'repacked', 'plain'), commonTokens: commonTokens(of('omninode')[0]?.tokens ?? [], of('rpc')[0]?.tokens ?? []),
    asAlone: { omninode: isOne('omninode', 'repacked'), rpc: isOne('rpc', 'plain') },
    aloneMs: { repacked: rounded(median(times('repacked'))), plain: rounded(median(times('plain'))) },
    rtt: [...new Set(runs.map(({ rttMs }) => rttMs))].map(atRtt),
  };
}

function commonTokens(ours: readonly number[], theirs: readonly number[]): number {
  const parted = ours.findIndex((token, i) => token !== theirs[i]);
  return parted === -1 ? ours.length : parted;
}

export function tablesOf({ rtt, aloneMs }: Summary, stages: number): string {
  const ms = (value: number): string => value.toFixed(2);
  return [
    table(['RTT ms', 'RPC ms/token', 'OmniNode ms/token', 'RPC ÷ OmniNode', `C + ${stages} r/2`, 'OmniNode ÷ that', 'round trips a token: RPC', 'OmniNode'], rtt.map((at) => [at.rttMs, ms(at.rpcMs), ms(at.omninodeMs), at.ratio.toFixed(3), ms(at.expectedMs), at.overExpected.toFixed(3), at.roundTrips?.rpc.toFixed(2) ?? '', at.roundTrips?.omninode.toFixed(2) ?? ''])), '',
    table(['llama.cpp alone', 'ms/token'], [['weights repacked (as OmniNode)', ms(aloneMs.repacked)], ['weights plain (as RPC)', ms(aloneMs.plain)]]),
  ].join('\n');
}
