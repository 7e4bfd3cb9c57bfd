import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSettings } from './config.ts';
import type { DescribedMetric } from './metrics-registry.ts';
import { createNode } from './node.ts';
import { appPaths } from './paths.ts';

let home: string;
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-metrics-')); });
afterEach(() => rm(home, { recursive: true, force: true }));

const HEAD = `# Metrics

What the app tells Prometheus at \`/metrics\` of its page's server (text format 0.0.4; the owner's key is asked for, as for the page), and
\`omninode net metrics\` prints, of a node without a page too (\`omninode listen\`). No label names a peer: how many there are is the mesh's choice, not the owner's. \`omninode peers --json\` has the figures of each link.

This page is written by its test (\`npx vitest run src-main/host/metrics-page.test.ts -u\`), which fails when a metric is missing here.

| metric | kind | labels | what |
|---|---|---|---|
`;

const row = ({ name, kind, labels = [], help }: DescribedMetric): string => `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |\n`;

it('the page lists every metric of a node', async () => {
  const { metrics } = await createNode({ settings: await loadSettings({ home }, {}), paths: appPaths(), shards: [], identity: 'file' });
  const all = metrics.described();
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(all.flatMap(({ labels = [] }) => labels).filter((label) => /peer|address/.test(label))).toEqual([]);
  await expect(HEAD + all.map(row).join('')).toMatchFileSnapshot('../../docs/metrics.md');
});
