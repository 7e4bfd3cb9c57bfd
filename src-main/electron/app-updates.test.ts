import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeHttpExecutor } from 'builder-util/out/nodeHttpExecutor.js';
import { configureRequestOptions, type DownloadOptions } from 'builder-util-runtime';
import type * as ElectronUpdater from 'electron-updater';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../base/index.ts';
import type { UpdateState } from '../../src-preload/bridge/index.ts';
import { AppUpdates, type Updater } from './app-updates.ts';

const require = createRequire(import.meta.url);
const OLD = '#!/bin/sh\n# version 1\nexit 0\n';
const NEW = `#!/bin/sh\n# version 2\nexit 0\n${'# filling\n'.repeat(1_000)}`;
const sha512 = (text: string): string => createHash('sha512').update(text).digest('base64');

const folder = mkdtempSync(join(tmpdir(), 'omninode-updates-'));
const appImage = join(folder, 'OmniNode.AppImage');
let server: Server;
let feed = '';
let asked: string[] = [];
/** What the feed has, by path. */
let files: Record<string, string> = {};

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    asked.push(path);
    const body = files[path];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  feed = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  writeFileSync(appImage, OLD);
  chmodSync(appImage, 0o755);
});

const offer = (version: string, image: string, checksum = sha512(image)): void => {
  files = {
    '/latest-linux.yml': `version: ${version}\nfiles:\n  - url: new.AppImage\n    sha512: ${checksum}\n    size: ${image.length}\npath: new.AppImage\nsha512: ${checksum}\nreleaseDate: '2026-01-01T00:00:00.000Z'\n`,
    '/new.AppImage': image,
  };
};

/** Electron's own executor is of Electron's network; this is of Node's, and begins a download as that one does. */
class NodeExecutor extends NodeHttpExecutor {
  download(url: URL, destination: string, options: DownloadOptions): Promise<string> {
    return options.cancellationToken.createPromise<string>((resolve, reject, onCancel) => {
      const request = configureRequestOptions({ protocol: url.protocol, hostname: url.hostname, port: Number(url.port), path: url.pathname });
      this.doDownload(request, { destination, options, onCancel, responseHandler: null, callback: (error) => (error instanceof Error ? reject(error) : resolve(destination)) }, 0);
    });
  }
}

/** electron-updater itself with its generic provider, over Node's HTTP; what is left out is Electron: its module is empty here. */
function realUpdater() {
  const electron = require.resolve('electron');
  require.cache[electron] ??= Object.assign(Object.create(null), { id: electron, filename: electron, loaded: true, exports: {} });
  const { AppImageUpdater } = require('electron-updater/out/AppImageUpdater.js') as typeof ElectronUpdater;
  const cache = mkdtempSync(join(folder, 'cache-'));
  let quit: (exitCode: number) => void = () => undefined;
  const updater = new AppImageUpdater(undefined, {
    version: '1.0.0', name: 'omninode', isPackaged: true, appUpdateConfigPath: join(cache, 'app-update.yml'), userDataPath: cache, baseCachePath: cache,
    whenReady: async () => undefined, relaunch: () => undefined, quit: () => undefined, onQuit: (handler: typeof quit) => { quit = handler; },
  });
  writeFileSync(join(cache, 'app-update.yml'), `provider: generic\nurl: ${feed}\nupdaterCacheDirName: omninode-updater\n`);
  mkdirSync(join(cache, 'omninode-updater'));
  Object.assign(updater, { httpExecutor: new NodeExecutor(), logger: null });
  return { updater: updater as Updater, quit: () => quit(0) };
}

function begin(updater: Updater) {
  const states: UpdateState[] = [];
  let wake = (): void => undefined;
  const updates = new AppUpdates({ updater, logger: silentLogger, publish: (state) => {
    states.push(state);
    wake();
  } });
  const until = (kind: UpdateState['kind']): Promise<void> => new Promise((resolve, reject) => {
    wake = () => {
      const last = states.at(-1);
      if (last?.kind === kind) resolve();
      else if (last?.kind === 'failed') reject(new Error(last.error.message));
    };
    wake();
  });
  return { updates, states, until };
}

it.each(['unpackaged', 'unconfigured'] as const)('asks nobody where it is %s', (why) => {
  const updates = new AppUpdates({ updater: why, logger: silentLogger, publish: () => undefined });
  updates.start();
  expect([updates.check(), updates.state()]).toEqual([{ kind: 'off', why }, { kind: 'off', why }]);
  expect(() => updates.install()).toThrow(expect.objectContaining({ code: 'ELECTRON_NO_UPDATE' }));
  updates.stop();
  expect(asked).toEqual([]);
});

// What it replaces is an AppImage, which only Linux has.
describe.skipIf(process.platform !== 'linux')('from a feed', () => {
  beforeAll(() => { process.env['APPIMAGE'] = appImage; });
  afterAll(() => { delete process.env['APPIMAGE']; });

  it('a newer version is downloaded, and is there after the app has ended', async () => {
    offer('2.0.0', NEW);
    const { updater, quit } = realUpdater();
    const { updates, states, until } = begin(updater);
    expect(updates.check()).toEqual({ kind: 'checking' });
    expect(updates.check()).toEqual({ kind: 'checking' });
    await until('ready');
    expect(states[0]).toEqual({ kind: 'checking' });
    expect(states).toContainEqual({ kind: 'downloading', version: '2.0.0', progress: 0 });
    expect(states.at(-1)).toEqual({ kind: 'ready', version: '2.0.0' });
    // Asked once; nothing but the feed.
    expect(asked.filter((path) => path === '/latest-linux.yml')).toHaveLength(1);
    expect(updates.check()).toEqual({ kind: 'ready', version: '2.0.0' });
    expect(readFileSync(appImage, 'utf8')).toBe(OLD);
    quit();
    expect(readFileSync(appImage, 'utf8')).toBe(NEW);
  });

  it('the same version is none, nor is an older one', async () => {
    for (const version of ['1.0.0', '0.9.0']) {
      offer(version, NEW);
      const { updates, states, until } = begin(realUpdater().updater);
      updates.check();
      await until('current');
      expect(states).toEqual([{ kind: 'checking' }, { kind: 'current', version }]);
      expect(() => updates.install()).toThrow(expect.objectContaining({ code: 'ELECTRON_NO_UPDATE' }));
    }
    expect(asked).not.toContain('/new.AppImage');
  });

  it('what is not what the feed says is not kept', async () => {
    offer('2.0.0', NEW, sha512('something else'));
    const { updater, quit } = realUpdater();
    const { updates, states, until } = begin(updater);
    updates.check();
    await until('failed');
    expect(states.at(-1)).toMatchObject({ kind: 'failed', error: { code: 'ELECTRON_UPDATE_FAILED', message: expect.stringContaining('sha512'), retryable: true } });
    quit();
    expect(readFileSync(appImage, 'utf8')).toBe(OLD);
  });

  it.each([['nothing', {}], ['no feed', { '/latest-linux.yml': '<html>' }], ['a version that is none', { '/latest-linux.yml': 'version: newest\nfiles: []\n' }], ['no files', { '/latest-linux.yml': 'version: 2.0.0\n' }]])('that has %s is a failure, and is asked again', async (_, found) => {
    files = found;
    const { updates, states, until } = begin(realUpdater().updater);
    updates.check();
    await until('failed');
    expect(states.filter(({ kind }) => kind === 'failed')).toHaveLength(1);
    expect(JSON.stringify(states.at(-1)).length).toBeLessThan(2_000);
    offer('1.0.0', NEW);
    expect(updates.check()).toEqual({ kind: 'checking' });
    await until('current');
  });
});
