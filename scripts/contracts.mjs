// `npm run -s contracts:test`: solhint, then the contracts by forge, with the compiler from npm: unit tests, fuzzing, invariants; what each step
// costs must be what contracts/gas states, and where state lies what contracts/storage.json states. `contracts:test:long` with many more calls;
// `node scripts/contracts.mjs snapshot` states both anew; `abi` makes what the app holds of the contracts; `coverage` measures lines and branches; other arguments go to forge
// (`npm run -s contracts:test -- --match-contract Staking`).
import { join } from 'node:path';
import { checkAbi, writeAbi } from './lib/contract-abi.mjs';
import { checkCoverage, lcov } from './lib/contract-coverage.mjs';
import { ensureReady, root } from './lib/ready.mjs';
import { capture, foreground, withNode } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';
import { checkStorage, writeStorage } from './lib/storage-layout.mjs';

const modes = ['long', 'snapshot', 'abi', 'coverage'];
// Compiled without the optimizer, and so kept apart; what code costs then means nothing.
const coverage = ['coverage', '--exclude-tests', '--no-match-contract', 'GasTest', '--report', 'lcov', '--report-file', lcov];
const commands = { coverage, snapshot: ['test', '--match-contract', 'GasTest'], abi: ['build', '--skip', 'test'] };
const coverageEnv = { FOUNDRY_OUT: 'out/contracts/coverage', FOUNDRY_CACHE_PATH: 'out/contracts/coverage-cache' };

await main(async () => {
  const node = await ensureReady();
  const mode = modes.find((name) => name === process.argv[2]);
  const args = process.argv.slice(mode === undefined ? 2 : 3);
  const linted = await capture(node, [join(root, 'node_modules', 'solhint', 'solhint.js'), '--noPoster', '--max-warnings', '0', '-c', 'contracts/.solhint.json', 'contracts/src/**/*.sol'], { cwd: root, env: withNode(node) });
  if (linted.code !== 0) {
    say(linted.output);
    return linted.code;
  }
  const env = {
    ...withNode(node),
    FOUNDRY_CONFIG: join('contracts', 'foundry.toml'),
    ...(mode === 'long' ? { FOUNDRY_PROFILE: 'long' } : {}),
    ...(mode === 'coverage' ? coverageEnv : {}),
    FORGE_SNAPSHOT_CHECK: String(mode !== 'snapshot'),
  };
  const command = commands[mode] ?? ['test'];
  const code = await foreground(node, [join(root, 'node_modules', '@foundry-rs', 'forge', 'bin.mjs'), ...command, '--root', root, ...args], { env, cwd: root });
  if (code !== 0 || args.length > 0) return code;
  if (mode === 'coverage') return checkCoverage();
  if (mode === 'snapshot') return writeStorage();
  if (mode === 'abi') return writeAbi();
  return Math.max(checkStorage(), checkAbi());
});
