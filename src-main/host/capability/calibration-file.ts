import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { writeAtomically } from '../../base/index.ts';

const MAX_ENTRIES = 16;
const MAX_FILE_BYTES = 64 * 1024;
const rate = z.number().positive().max(1e15);
const speedSchema = z.strictObject({ model: z.string().min(1).max(100), decodeTokensPerSecond: rate, prefillTokensPerSecond: rate, memoryBytesPerSecond: rate });
const fileSchema = z.strictObject({ version: z.literal(1), measured: z.array(z.strictObject({ key: z.string().length(64), speed: speedSchema, atMs: z.number().min(0) })).max(MAX_ENTRIES) });

export type Calibration = z.infer<typeof speedSchema>;

/** What a measurement depends on. */
export interface CalibrationSubject {
  readonly cpu: string | undefined;
  readonly cores: number | undefined;
  readonly ramTotalBytes: number | undefined;
  readonly platform: string;
  readonly version: string;
  readonly threads: number;
  readonly gpuLayers: number;
  readonly modelBytes: number;
}

const pathIn = (home: string): string => join(home, 'calibration.json');
const keyOf = ({ cpu, cores, ramTotalBytes, platform, version, threads, gpuLayers, modelBytes }: CalibrationSubject): string =>
  createHash('sha256').update(JSON.stringify([cpu, cores, ramTotalBytes, platform, version, threads, gpuLayers, modelBytes])).digest('hex');

/** What was measured on this machine with this version and these settings; a file that cannot be used is as none. */
export async function readCalibration(home: string, subject: CalibrationSubject): Promise<Calibration | undefined> {
  return (await readFile(home)).find(({ key }) => key === keyOf(subject))?.speed;
}

export async function writeCalibration(home: string, subject: CalibrationSubject, { speed, atMs }: { readonly speed: Calibration; readonly atMs: number }): Promise<void> {
  const key = keyOf(subject);
  const others = (await readFile(home)).filter((entry) => entry.key !== key);
  const measured = [...others, { key, speed, atMs }].slice(-MAX_ENTRIES);
  await writeAtomically(pathIn(home), async (file) => void (await file.writeFile(JSON.stringify({ version: 1, measured }))), 0o600);
}

async function readFile(home: string): Promise<z.infer<typeof fileSchema>['measured']> {
  const file = await open(pathIn(home), 'r').catch(() => undefined);
  try {
    if (file === undefined || (await file.stat()).size > MAX_FILE_BYTES) return [];
    return fileSchema.parse(JSON.parse(await file.readFile('utf8'))).measured;
  } catch {
    return [];
  } finally {
    await file?.close();
  }
}
