import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../base/index.ts';
import { findLibraries } from '../../inference/index.ts';
import { configSchema } from '../config.ts';
import { appPaths } from '../paths.ts';
import type { Calibration } from './calibration-file.ts';
import { Calibrator, type CalibratorInit } from './calibrator.ts';

const paths = appPaths();
const worker = { workerPath: paths.stageWorker, nativePath: paths.nativeAddon, librariesFolder: findLibraries() };
let home = '';
const running: Calibrator[] = [];
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-calibration-')); });
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await rm(home, { recursive: true });
});

type Changes = Partial<Pick<CalibratorInit, 'isCalm' | 'version'>> & { readonly threads?: number };
function start({ threads = 1, ...changes }: Changes): { readonly measured: Promise<Calibration>; readonly calibrator: Calibrator } {
  const { promise, resolve } = Promise.withResolvers<Calibration>();
  const calibrator = new Calibrator({
    config: configSchema.parse({ home, threads }), paths, worker, version: '1.2.3', logger: silentLogger, onMeasured: resolve, times: { firstLookMs: 0, lookEveryMs: 10 }, isCalm: () => Promise.resolve(true), ...changes,
  });
  running.push(calibrator);
  calibrator.start();
  return { measured: promise, calibrator };
}
const never = (): Promise<boolean> => Promise.reject(new RangeError('nothing is measured here'));
const file = async (): Promise<string> => readFile(join(home, 'calibration.json'), 'utf8');

it('measures once, in a process of its own, for each version and setting', { timeout: 120_000 }, async () => {
  const first = start({});
  const measured = await first.measured;
  expect(measured).toEqual({ model: 'omni-guide', decodeTokensPerSecond: expect.any(Number), prefillTokensPerSecond: expect.any(Number), memoryBytesPerSecond: expect.any(Number) });
  for (const figure of [measured.decodeTokensPerSecond, measured.prefillTokensPerSecond, measured.memoryBytesPerSecond]) expect(figure).toBeGreaterThan(0);
  await first.calibrator.stop();
  expect(await start({ isCalm: never }).measured).toEqual(measured);
  const [asked, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  start({ version: '1.2.4', isCalm: () => { asked.resolve(); return never(); } });
  start({ threads: 2, isCalm: () => { other.resolve(); return never(); } });
  await Promise.all([asked.promise, other.promise]);
});

it('waits while the machine is busy, and stops when something is to be computed', { timeout: 120_000 }, async () => {
  let looks = 0;
  const { measured, calibrator } = start({
    isCalm: () => {
      looks++;
      // Begun, and called off in the same moment: it is begun again.
      if (looks === 3) setImmediate(() => calibrator.interrupt());
      return Promise.resolve(looks >= 3);
    },
  });
  expect((await measured).decodeTokensPerSecond).toBeGreaterThan(0);
  expect(looks).toBe(4);
});

it.each(['', '{"version":2}', `{"version":1,"measured":[${'x'.repeat(70_000)}]}`])('a file that cannot be used is as none, and is replaced', { timeout: 120_000 }, async (content) => {
  await writeFile(join(home, 'calibration.json'), content);
  const { measured, calibrator } = start({});
  await measured;
  await calibrator.stop();
  expect(JSON.parse(await file())).toMatchObject({ version: 1, measured: [{ speed: { model: 'omni-guide' } }] });
});

it('ends at once when the node does', async () => {
  const { calibrator } = start({ isCalm: () => new Promise((resolve) => { setImmediate(() => resolve(false)); }) });
  await calibrator.stop();
  await expect(file()).rejects.toMatchObject({ code: 'ENOENT' });
});
