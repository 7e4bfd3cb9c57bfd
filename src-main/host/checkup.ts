import { access, constants, mkdir, stat } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { silentLogger, toCoded, noMetrics, systemClock } from '../base/index.ts';
import { availableBytes, findLibraries, probeEngine } from '../inference/index.ts';
import { createMesh } from '../mesh/index.ts';
import type { Settings } from './config.ts';
import { findModel } from './model-file.ts';
import type { AppPaths } from './paths.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do when it is not ok. */
  readonly next?: string;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** `doctor`: everything that a first answer needs, tried for real. */
export async function checkup({ config }: Settings, paths: AppPaths): Promise<readonly Check[]> {
  return Promise.all([
    check('node', () => Promise.resolve(`${process.versions.node} on ${process.platform} ${process.arch}, ${availableParallelism()} cores`)),
    check('memory', async () => `${gigabytes(await availableBytes())} of ${gigabytes(totalmem())} free`),
    check('data folder', async () => {
      await mkdir(config.home, { recursive: true, mode: 0o700 });
      await access(config.home, constants.W_OK);
      return config.home;
    }),
    check('stage engine', async () => {
      const devices = await probeEngine({ workerPath: paths.stageWorker, nativePath: paths.nativeAddon, librariesFolder: findLibraries() });
      return devices.map((device) => `${device.name} (${device.description})`).join(', ');
    }),
    check('model', async () => {
      const model = await findModel(config.model, { paths, config });
      return `${model.name}, ${(model.sizeBytes / 1e6).toFixed(1)} MB`;
    }),
    check('page', async () => {
      await stat(`${paths.renderer}/index.html`);
      return paths.renderer;
    }),
    check('mesh', async () => {
      const components = { logger: silentLogger, metrics: noMetrics, clock: systemClock };
      const mesh = await createMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], identity: { kind: 'ephemeral' }, mdns: false, agent: 'omninode doctor' }, components);
      await mesh.start();
      const [address] = mesh.addresses();
      await mesh.stop();
      return `listened on ${address?.split('/p2p/')[0]}`;
    }),
  ]);
}

async function check(name: string, run: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await run() };
  } catch (error) {
    const { message, next } = toCoded(error);
    return { name, ok: false, detail: message, next: next ?? 'Run `npm start`, which installs and builds what is missing.' };
  }
}
