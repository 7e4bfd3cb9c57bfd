import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { isCoded, systemClock, toCoded, type Logger } from '../../base/index.ts';
import type { WorkerOptions } from '../../inference/index.ts';
import type { HostConfig } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { memorySpeed } from '../memory-speed.ts';
import { BUILT_IN_MODEL, findModel } from '../model-file.ts';
import type { AppPaths } from '../paths.ts';
import { modelLayers } from '../sharded-model.ts';
import { threadsFor } from '../threads.ts';
import { calibrate } from './calibrate.ts';
import { readCalibration, writeCalibration, type Calibration, type CalibrationSubject } from './calibration-file.ts';
import { isMachineCalm } from './calm.ts';
import { fixedFacts } from './read-machine.ts';

/** A start has other things to do. */
const FIRST_LOOK_MS = 15_000;
const LOOK_EVERY_MS = 15_000;

export interface CalibratorInit {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  readonly version: string;
  readonly worker: WorkerOptions;
  readonly logger: Logger;
  readonly onMeasured: (calibration: Calibration) => void;
  /** Whether the machine has nothing to do; looks for a moment. */
  readonly isCalm?: (signal: AbortSignal) => Promise<boolean>;
  readonly times?: { readonly firstLookMs: number; readonly lookEveryMs: number };
}

/** Finds out how fast this machine is, once for each version and setting: when nothing else is computed on it, and only as long as that is so. */
export class Calibrator {
  readonly #init: CalibratorInit;
  readonly #over = new AbortController();
  #measuring: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(init: CalibratorInit) {
    this.#init = init;
  }

  /** What was measured earlier is there at once; else it is measured some time later. Never rejects. */
  start(): void {
    this.#work = this.#run().catch((error: unknown) => {
      if (this.#over.signal.aborted) return;
      const { code, message } = toCoded(error);
      this.#init.logger.warn({ code, message }, 'the speed of this machine is not known');
    });
  }

  /** Something is to be computed: a measurement that runs is called off, and made later. */
  interrupt(): void {
    this.#measuring?.abort(hostErrors.calibrationFailed({ reason: 'something else is computed' }));
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { config, paths, times: { firstLookMs, lookEveryMs } = { firstLookMs: FIRST_LOOK_MS, lookEveryMs: LOOK_EVERY_MS }, isCalm = isMachineCalm, onMeasured } = this.#init;
    const { signal } = this.#over;
    const { path } = await findModel(BUILT_IN_MODEL, { paths, config });
    const subject = await this.#subject(path);
    const known = await readCalibration(config.home, subject);
    if (known !== undefined) return onMeasured(known);
    await setTimeout(firstLookMs, undefined, { signal, ref: false });
    for (;;) {
      const speed = await isCalm(signal) ? await this.#measure(path, subject) : undefined;
      if (speed !== undefined) {
        onMeasured(speed);
        return writeCalibration(config.home, subject, { speed, atMs: systemClock.now() });
      }
      await setTimeout(lookEveryMs, undefined, { signal, ref: false });
    }
  }

  /** Undefined when it was interrupted. */
  async #measure(path: string, { threads, gpuLayers }: CalibrationSubject): Promise<Calibration | undefined> {
    const measuring = this.#measuring = new AbortController();
    const signal = AbortSignal.any([this.#over.signal, measuring.signal]);
    try {
      const speed = await calibrate({ path, threads, gpuLayers, layers: await modelLayers({ name: BUILT_IN_MODEL, path, sizeBytes: 0, isBuiltIn: true }), signal }, this.#init.worker);
      return { model: BUILT_IN_MODEL, ...speed, memoryBytesPerSecond: Math.round(await memorySpeed()) };
    } catch (error) {
      if (isCoded(error) && measuring.signal.aborted && !this.#over.signal.aborted) return undefined;
      throw error;
    } finally {
      this.#measuring = undefined;
    }
  }

  async #subject(path: string): Promise<CalibrationSubject> {
    const { config, version } = this.#init;
    const { cpu, cores, ramTotalBytes } = fixedFacts();
    const { size } = await stat(path);
    return { cpu, cores, ramTotalBytes, version, platform: `${process.platform} ${process.arch}`, threads: threadsFor(config.threads, availableParallelism(), size), gpuLayers: config.gpuLayers, modelBytes: size };
  }
}
