import type { Command } from 'commander';
import type { PipelineRequest } from '../../host/index.ts';
import { cliErrors } from '../errors.ts';
import { collect, integer } from '../options.ts';

/** Over which nodes: what `pipeline-infer`, `pipeline plan` and `pipeline trace` share. */
export interface RouteArgs {
  readonly cluster?: number;
  readonly peer?: readonly string[];
}

export interface TransitArgs {
  readonly dtype: PipelineRequest['dtype'];
}

export const withRouteOptions = (command: Command): Command => command
  .option('--cluster <n>', 'nodes on this machine (default 3 when no peer is given)', integer(1, 64))
  .option('--peer <addr>', 'multiaddr of a node that serves layers; repeat for each', collect);

export const withTransitOptions = (command: Command): Command =>
  command.option('--dtype <type>', 'hidden states in transit: f16; f32 for exactness; q8, half of f16, for slow links', parseDtype, 'f16');

export function routeOf(args: RouteArgs): PipelineRequest['route'] {
  if (args.peer === undefined) return { kind: 'cluster', nodes: args.cluster ?? 3 };
  if (args.cluster !== undefined) throw cliErrors.usage({ problem: '--cluster and --peer exclude each other' });
  return { kind: 'peers', addresses: args.peer };
}

function parseDtype(text: string): PipelineRequest['dtype'] {
  if (text === 'f16' || text === 'f32' || text === 'q8') return text;
  throw cliErrors.usage({ problem: `--dtype ${text}: f16, f32 or q8 is wanted` });
}
