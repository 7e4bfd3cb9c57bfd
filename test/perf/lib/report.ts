import { cpus, loadavg, totalmem } from 'node:os';

export interface HostFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly platform: string;
  readonly loadAtStart: number;
}

export const hostFacts = (): HostFacts => ({
  cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryBytes: totalmem(), node: process.versions.node,
  platform: `${process.platform} ${process.arch}`, loadAtStart: loadavg()[0] ?? 0,
});

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** A Markdown table, for eyes and for docs/bench. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly (string | number)[]>): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One JSON object with --json, else the table. */
export function print(result: object, text: string): void {
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(result)}\n` : `${text}\n`);
}
