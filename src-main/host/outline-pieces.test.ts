import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadSettings } from './config.ts';
import { cutIntoStore } from './local-store.ts';
import { showModelOrFile } from './model-hub.ts';
import { appPaths } from './paths.ts';

const home = await mkdtemp(join(tmpdir(), 'omninode-outline-'));
afterAll(() => rm(home, { recursive: true, force: true }));

it('says whether a model fits whose file is gone, by the pieces that are here', async () => {
  const settings = await loadSettings({ home }, {});
  const model = join(home, 'model.gguf');
  await copyFile(join(appPaths().models, 'omni-guide.gguf'), model);
  const folder = join(home, 'shards', 'cut');
  const manifest = await cutIntoStore(settings.config, { model, folder, plan: { kind: 'even', shards: 2 } });
  const shown = () => showModelOrFile(settings, manifest.model_name, new AbortController().signal);
  const { outlook: byFile } = await shown();
  await rm(model);
  const { outlook: byPieces } = await shown();
  expect(byFile?.verdict.fits).toBe('here');
  expect(byPieces?.verdict.fits).toBe('here');
  // Each shard has a header and the vocabulary, or a part of it, besides its weights.
  const [needs, most] = [byFile?.verdict.needBytes ?? 0, byPieces?.verdict.needBytes ?? 0];
  expect(most).toBeGreaterThanOrEqual(needs);
  expect(most).toBeLessThan(needs * 1.02);
  // With one piece left its header still tells; with none nothing does.
  for (const { file_name: name } of manifest.shards) await rm(join(folder, name));
  expect((await shown()).outlook?.verdict).toEqual(expect.objectContaining({ needBytes: most }));
  await rm(folder, { recursive: true });
  expect((await shown()).outlook).toBeUndefined();
});
