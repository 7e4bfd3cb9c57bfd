import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Heat } from './policy.ts';

const LINUX_FOLDER = '/sys/class/thermal';
/** So close below the temperature at which it would be switched off, a machine is hot. In thousandths of a degree, as the kernel tells them. */
const CLOSE = 5_000;
const MAX_TRIPS = 16;

/** How hot a Linux machine is by what its firmware calls hot and critical; undefined where nothing of it can be read. Never rejects. */
export async function readHeat(platform: NodeJS.Platform = process.platform, folder = LINUX_FOLDER): Promise<Heat | undefined> {
  if (platform !== 'linux') return undefined;
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('thermal_zone'));
  const heats = (await Promise.all(names.map((name) => heatOf(join(folder, name))))).filter((heat) => heat !== undefined);
  return (['critical', 'serious', 'nominal'] as const).find((heat) => heats.includes(heat));
}

async function heatOf(zone: string): Promise<Heat | undefined> {
  const number = async (name: string): Promise<number | undefined> => {
    const text = await readFile(join(zone, name), 'utf8').catch(() => '');
    return /^-?\d+\s*$/.test(text) ? Number(text) : undefined;
  };
  const temperature = await number('temp');
  if (temperature === undefined) return undefined;
  const files = (await readdir(zone).catch(() => [])).flatMap((name) => /^trip_point_(\d+)_type$/.exec(name)?.[1] ?? []).slice(0, MAX_TRIPS);
  // Passive and active ones are where a fan begins: too low on many machines to say anything.
  const trips = await Promise.all(files.map(async (index) => ({
    kind: (await readFile(join(zone, `trip_point_${index}_type`), 'utf8').catch(() => '')).trim(), at: await number(`trip_point_${index}_temp`) ?? 0,
  })));
  const [hot, critical] = (['hot', 'critical'] as const).map((kind) => Math.min(...trips.filter((trip) => trip.kind === kind && trip.at > 0).map(({ at }) => at)));
  if (hot === Infinity && critical === Infinity) return undefined;
  if (temperature >= (critical ?? Infinity)) return 'critical';
  return temperature >= (hot ?? Infinity) || temperature >= (critical ?? Infinity) - CLOSE ? 'serious' : 'nominal';
}
