import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EMBEDDING_PACKAGES, embeddingRuntime } from './embed-texts.ts';
import { appPaths } from './paths.ts';

it('in a packaged app says how what it runs on is installed, and finds it there', async () => {
  const home = mkdtempSync(join(tmpdir(), 'omninode-embed-'));
  const packed = { ...appPaths(), embeddingInstaller: join(home, 'app.asar', 'scripts', 'embeddings.mjs') };
  const options = { signal: new AbortController().signal };
  await expect(embeddingRuntime({ paths: packed, home }, options)).rejects.toMatchObject({ code: 'HOST_EMBEDDINGS_NOT_PACKED', next: expect.stringContaining(`--prefix "${join(home, 'embeddings')}" ${EMBEDDING_PACKAGES}`) });
  const installed = join(home, 'embeddings', 'node_modules', '@huggingface', 'transformers');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'package.json'), '{}');
  expect(await embeddingRuntime({ paths: packed, home }, options)).toBe(join(home, 'embeddings'));
  rmSync(home, { recursive: true });
});

it('names the version that a checkout installs', () => {
  const { dependencies } = JSON.parse(readFileSync(join(appPaths().root, 'scripts', 'embeddings', 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  expect(Object.entries(dependencies).map(([name, version]) => `${name}@${version}`)).toEqual([EMBEDDING_PACKAGES]);
});
