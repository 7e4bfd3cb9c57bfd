// How much of our contracts the tests run, from forge's report; libraries and tests do not count.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './ready.mjs';
import { say } from './say.mjs';

export const lcov = join(root, 'out', 'contracts', 'lcov.info');
const leastPercent = 95;

/** 0, or 1 where too few lines or branches are run. */
export function checkCoverage() {
  const ours = readFileSync(lcov, 'utf8').split('end_of_record').filter((record) => record.includes('SF:contracts/src/'));
  // LCOV's names: lines found and hit, branches found and hit.
  const percents = [['lines', 'LF', 'LH'], ['branches', 'BRF', 'BRH']].map(([what, found, hit]) => [what, sum(ours, hit), sum(ours, found)]);
  for (const [what, hit, found] of percents) say(`${what}: ${hit} of ${found}`);
  return percents.every(([, hit, found]) => found > 0 && hit * 100 >= found * leastPercent) ? 0 : 1;
}

const sum = (records, key) => records.reduce((all, record) => all + Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1] ?? 0), 0);
