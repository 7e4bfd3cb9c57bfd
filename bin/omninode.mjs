#!/usr/bin/env node
// The command on PATH. Runs on any Node from 20 on, and hands over to the one that OmniNode needs.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HEAP_FLAGS } from '../scripts/lib/heap.mjs';
import { ensureReady } from '../scripts/lib/ready.mjs';
import { foreground, withNode } from '../scripts/lib/run.mjs';
import { main } from '../scripts/lib/say.mjs';

await main(async () => {
  const node = await ensureReady();
  const cli = join(dirname(fileURLToPath(import.meta.url)), '..', 'out', 'main', 'cli.js');
  if (!existsSync(cli)) throw new Error(`${cli} is missing after the build`);
  return foreground(node, [...HEAP_FLAGS, cli, ...process.argv.slice(2)], { env: withNode(node) });
});
