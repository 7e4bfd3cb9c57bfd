import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { extractAll, listPackage } from '@electron/asar';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const script = (name: string): string => join(root, 'scripts', 'package', name);
const { packageConfig } = await import(pathToFileURL(script('config.mjs')).href) as { packageConfig(options?: { updates?: string }): { publish: unknown } };
const folder = await mkdtemp(join(tmpdir(), 'omninode-package-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it('is configured, for each system, by the schema of electron-builder', async () => {
  await expect(run(process.execPath, [script('check.mjs')])).resolves.toMatchObject({ stderr: '' });
});

it('looks for newer versions where it was told to, over TLS, and else nowhere', () => {
  expect([packageConfig().publish, packageConfig({ updates: 'https://updates.example/omninode' }).publish]).toEqual([null, [{ provider: 'generic', url: 'https://updates.example/omninode' }]]);
  for (const updates of ['http://updates.example/', 'updates.example', 'file:///srv', 'https://user:word@updates.example/', '']) expect(() => packageConfig({ updates })).toThrow('https');
});

/** Of a fuse in the wire: a digit. */
const [ON, OFF] = ['1'.charCodeAt(0), '0'.charCodeAt(0)];
/** What fuses look like in Electron's binary, all of them on (@see https://www.electronjs.org/docs/latest/tutorial/fuses). */
const FUSE_WIRE = Buffer.concat([Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'), Buffer.from([1, 9]), Buffer.from('1'.repeat(9))]);

/** Electron's own binary is not on the registry. What lies beside it in a download, and its fuses: all that packing touches. */
async function standIn(): Promise<string> {
  const dist = join(folder, 'electron');
  await mkdir(join(dist, 'locales'), { recursive: true });
  await mkdir(join(dist, 'resources'));
  await writeFile(join(dist, 'version'), '45.4.1');
  await writeFile(join(dist, 'locales', 'en-US.pak'), '');
  await writeFile(join(dist, 'electron'), Buffer.concat([Buffer.from('#!/bin/sh\nexit 0\n'), FUSE_WIRE]));
  await chmod(join(dist, 'electron'), 0o755);
  return join(dist, 'electron');
}

// On a Mac and Windows the download has another shape.
describe.skipIf(process.platform !== 'linux')('packed for Linux around a stand-in for Electron', () => {
  it('has what it runs with and nothing else, outside of the archive what others open, and no open fuse', async () => {
    await run(process.execPath, [script('pack.mjs'), await standIn(), '--output', join(folder, 'release')], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
    const app = join(folder, 'release', 'linux-unpacked');
    const archive = join(app, 'resources', 'app.asar');
    const unpacked = `${archive}.unpacked`;
    const files = listPackage(archive, { isPack: false });
    expect(files).toEqual(expect.arrayContaining(['/package.json', '/out/main/electron.js', '/node_modules/electron-updater/package.json', '/out/preload/index.cjs', '/out/renderer/index.html']));
    expect(files.filter((path) => /^\/(src-|test|docs|scripts|native\/src|resources\/models\/train|node_modules\/(vitest|typescript|electron|electron-builder|playwright-core|helia)(\/|$))/.test(path))).toEqual([]);
    expect(files.filter((path) => path.endsWith('.d.ts') || path.endsWith('.map'))).toEqual([]);
    for (const path of ['native/build/Release/omninode.node', 'resources/models/omni-guide.gguf', `node_modules/@node-llama-cpp/linux-x64/bins/linux-x64`]) expect([path, existsSync(join(unpacked, path))]).toEqual([path, true]);
    expect(existsSync(join(unpacked, 'node_modules', '@node-llama-cpp', 'linux-arm64'))).toBe(false);
    await expect(run(join(unpacked, ANVIL), ['--version'])).resolves.toMatchObject({ stdout: expect.stringContaining('anvil') });

    // No feed was named, so that the app asks nobody.
    expect(existsSync(join(app, 'resources', 'app-update.yml'))).toBe(false);

    const wire: Record<number, unknown> = { ...await getCurrentFuseWire(join(app, 'omninode')) };
    const on = [FuseV1Options.EnableCookieEncryption, FuseV1Options.EnableEmbeddedAsarIntegrityValidation, FuseV1Options.OnlyLoadAppFromAsar];
    const off = [FuseV1Options.RunAsNode, FuseV1Options.EnableNodeOptionsEnvironmentVariable, FuseV1Options.EnableNodeCliInspectArguments, FuseV1Options.LoadBrowserProcessSpecificV8Snapshot, FuseV1Options.GrantFileProtocolExtraPrivileges];
    expect(on.map((fuse) => wire[fuse])).toEqual(on.map(() => ON));
    expect(off.map((fuse) => wire[fuse])).toEqual(off.map(() => OFF));
    await answers(archive);
  });
});

const ANVIL = `node_modules/@foundry-rs/anvil-linux-${process.arch === 'x64' ? 'amd64' : process.arch}/bin/anvil`;

/** What was packed answers, of itself: no package, library or model is missing. */
async function answers(archive: string): Promise<void> {
  const away = join(folder, 'extracted');
  extractAll(archive, away);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const cli = (...args: string[]) => run(process.execPath, [join(away, 'out', 'main', 'cli.js'), ...args], { cwd: folder, env: { ...process.env, OMNINODE_HOME: join(folder, 'home') } });
  expect((await cli('--version')).stdout.trim()).toBe(version);
  const { stdout } = await cli('pipeline-infer', 'What is OmniNode?', '--cluster', '2', '--max-tokens', '4', '--json');
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ text: expect.stringMatching(/^OmniNode is/) });
  // The test chain: its program and the contracts are found where they were packed. What takes an archive apart forgets what may be run.
  await chmod(join(away, ANVIL), 0o755);
  expect(JSON.parse((await cli('chain', 'status', '--json')).stdout)).toMatchObject({ link: { status: 'ready' } });
}
