// `npm test`: installs, builds and runs everything. With arguments: only those vitest files, after the same preparation.
import { join } from 'node:path';
import { ensureReady, root } from './lib/ready.mjs';
import { foreground, withNode } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';

const bin = (name) => join(root, 'node_modules', ...name.split('/'));
const STEPS = [
  ['types', [bin('typescript/bin/tsc'), '-b']],
  ['lint', [bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0']],
  ['architecture', [join(root, 'scripts', 'arch.mjs'), '--check']],
  ['native', [join(root, 'native', 'build.mjs'), '--test']],
  ['contracts', [join(root, 'scripts', 'contracts.mjs')]],
  ['tests', [bin('vitest/vitest.mjs'), 'run']],
];

await main(async () => {
  const node = await ensureReady();
  const files = process.argv.slice(2);
  const steps = files.length > 0 ? [['tests', [...STEPS.at(-1)[1], ...files]]] : STEPS;
  for (const [name, args] of steps) {
    say(`\nomninode: ${name}`);
    const code = await foreground(node, args, { env: withNode(node), cwd: root });
    if (code !== 0) {
      say(`omninode: ${name} failed (exit code ${code})`);
      return code;
    }
  }
  return 0;
});
