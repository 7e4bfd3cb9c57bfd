import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron as electron } from 'playwright-core';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Electron's own program, where it was downloaded; asking its package for the path may begin a download. */
function findBinary(): string | undefined {
  const folder = join(root, 'node_modules', 'electron');
  const name = existsSync(join(folder, 'path.txt')) ? readFileSync(join(folder, 'path.txt'), 'utf8') : 'electron';
  const path = join(process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(folder, 'dist'), name);
  return existsSync(path) ? path : undefined;
}

const binary = findBinary();
const hasScreen = process.platform !== 'linux' || process.env['DISPLAY'] !== undefined || process.env['WAYLAND_DISPLAY'] !== undefined;
const isBuilt = ['out/main/electron.js', 'out/renderer/index.html'].every((path) => existsSync(join(root, path)));
const why = binary === undefined ? "Electron's binary is not on this machine" : !hasScreen ? 'there is no screen' : isBuilt ? undefined : 'the app is not built (npm run build)';
if (why !== undefined) process.stderr.write(`test/e2e-electron is skipped: ${why}\n`);

it.skipIf(why !== undefined)('the window answers a question, and its page reaches the verbs of the bridge and nothing of Node or Electron', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-electron-'));
  await writeFile(join(home, 'config.json'), '{"name":"window"}\n');
  const app = await electron.launch({ executablePath: binary ?? '', args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), root], env: { ...process.env as Record<string, string>, OMNINODE_HOME: home } });
  try {
    const page = await app.firstWindow();
    await page.getByText('Ready', { exact: true }).waitFor();
    const seen = await page.evaluate(async () => {
      const { host } = globalThis as unknown as { host: { call(name: string, input: unknown): Promise<unknown> } };
      return {
        names: ['require', 'process', 'module', 'Buffer', 'global', 'electron', 'ipcRenderer'].filter((name) => name in globalThis), verbs: Object.keys(host).toSorted(),
        info: await host.call('host.info', {}), odd: await host.call('__proto__', null), opened: globalThis.open('https://example.org/'),
        foreign: await fetch('https://example.org/').then(() => 'fetched', () => 'refused'),
      };
    });
    expect(seen).toMatchObject({ names: [], info: { ok: true, value: { mode: 'electron' } }, odd: { ok: false }, opened: null, foreign: 'refused' });
    expect(seen.verbs).toEqual(['call', 'onPush', 'pathOf']);
    await page.getByRole('button', { name: 'How does OmniNode split a model?' }).click();
    await page.getByText(/3 stages · [\d.]+ tok\/s · first token/).waitFor();
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  } finally {
    await app.close();
    await rm(home, { recursive: true, force: true });
  }
});
