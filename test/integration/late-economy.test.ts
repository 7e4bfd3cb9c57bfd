import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLogger } from '../../src-main/base/index.ts';
import { loadSettings } from '../../src-main/host/config.ts';
import { economyOf, walletFile } from '../../src-main/host/economy/late-economy.ts';
import type { OpenEconomy } from '../../src-main/host/economy/open-economy.ts';
import { appPaths } from '../../src-main/host/index.ts';
import { PayHost } from '../../src-main/host/paid/index.ts';
import { loadSigner } from '../../src-main/mesh/index.ts';
import { CHEAP, PASSWORD } from '../support/wallet-ground.ts';

let home: string;
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-late-')); });
afterEach(() => rm(home, { recursive: true, force: true }));

async function init(chain: string, more: Partial<OpenEconomy> = {}): Promise<OpenEconomy> {
  const [{ config }, signer] = [await loadSettings({ home, chain }, {}), await loadSigner({ kind: 'file', path: join(home, 'identity.key') })];
  const mesh = { signer, peerId: signer.peerId } as OpenEconomy['node']['mesh'];
  return { node: { mesh, logger: silentLogger }, config, paths: appPaths(), keeping: undefined, changed: () => undefined, options: { wallet: { costForTests: CHEAP } }, pay: new PayHost({ config }, () => { throw new Error('not wanted'); }), ...more };
}

it('is not there without a chain, and opened by the first question, or at once for a wallet that is there', async () => {
  expect(await economyOf(await init('off'))).toBeUndefined();
  const changed = vi.fn();
  const late = (await economyOf(await init('embedded', { changed })))!;
  await late.start();
  const { economy, owner } = late.parts;
  expect(economy.now()).toMatchObject({ wallet: { status: 'none' }, link: { status: 'starting' }, node: { nodeId: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string }, revision: 0 });
  expect([economy.transactions(), changed.mock.calls]).toEqual([{ transactions: [] }, []]);
  const { address } = await owner!.create({ password: PASSWORD, words: 12 });
  expect(economy.now().wallet).toMatchObject({ address });
  expect(changed).toHaveBeenCalled();
  expect(existsSync(walletFile(home))).toBe(true);
  await late.stop();
  await expect(economy.plan({ op: 'withdraw' })).rejects.toBeDefined();
  const again = (await economyOf(await init('embedded')))!;
  expect(again.parts.economy.now().wallet).toMatchObject({ status: 'locked', address });
  await again.stop();
}, 60_000);

const START = `
import { registerHooks } from 'node:module';
const urls = [];
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
const [{ buildHost, appPaths }, { loadSettings }] = await Promise.all(['index.ts', 'config.ts'].map((name) => import(process.env.HOST_FOLDER + '/' + name)));
await buildHost({ settings: await loadSettings({ home: process.env.OMNINODE_HOME }, {}), paths: appPaths(), mode: 'headless', nodes: 1 });
console.log(JSON.stringify([urls.length, urls.filter((url) => url.includes('/node_modules/viem/')).length]));
process.exit(0);
`;

it('is opened by settings that want pay', async () => {
  const { config, ...rest } = await init('embedded');
  const settings = { config };
  const onOpened = vi.fn();
  const late = (await economyOf({ ...rest, config, options: { onOpened }, pay: new PayHost(settings, () => { throw new Error('not connected'); }) }))!;
  await late.start();
  late.look();
  settings.config = { ...config, payUpTo: '5' };
  expect(onOpened).not.toHaveBeenCalled();
  late.look();
  await expect.poll(() => onOpened.mock.calls.length, { timeout: 30_000 }).toBe(1);
  await late.stop();
}, 60_000);

it('costs a host without a wallet no library of chains', async () => {
  const env = { ...process.env, OMNINODE_HOME: home, HOST_FOLDER: join(import.meta.dirname, '../../src-main/host') };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', START], { env, maxBuffer: 1e7 });
  const [all, ofChains] = JSON.parse(stdout.trim().split('\n').at(-1) ?? '[]') as number[];
  expect(all).toBeGreaterThan(500);
  expect(ofChains).toBe(0);
}, 120_000);
