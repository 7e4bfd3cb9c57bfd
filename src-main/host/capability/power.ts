import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Absent: this machine has no battery, or none that can be read. */
export interface Power {
  readonly isOnBattery?: boolean;
  /** 0 to 1. */
  readonly batteryShare?: number;
}

const ASK_TIMEOUT_MS = 1_000;
const LINUX_FOLDER = '/sys/class/power_supply';

/** On Linux out of sysfs, on macOS as `pmset` says; elsewhere nothing is read. Never rejects. */
export async function readPower(platform: NodeJS.Platform = process.platform, folder = LINUX_FOLDER): Promise<Power> {
  if (platform === 'linux') return readSysfs(folder);
  if (platform !== 'darwin') return {};
  const { stdout } = await promisify(execFile)('/usr/bin/pmset', ['-g', 'batt'], { timeout: ASK_TIMEOUT_MS }).catch(() => ({ stdout: '' }));
  return parsePmset(stdout);
}

async function readSysfs(folder: string): Promise<Power> {
  const names = await readdir(folder).catch(() => []);
  const read = (name: string, what: string): Promise<string> => readFile(join(folder, name, what), 'utf8').then((text) => text.trim(), () => '');
  for (const name of names.toSorted()) {
    // Mice and headsets have batteries too.
    if (await read(name, 'type') !== 'Battery' || await read(name, 'scope') === 'Device') continue;
    const [status, capacity] = [await read(name, 'status'), await read(name, 'capacity')];
    return { ...statusOf(status), ...shareOf(capacity) };
  }
  return {};
}

const statusOf = (status: string): Power => (status === '' || status === 'Unknown' ? {} : { isOnBattery: status === 'Discharging' });

function shareOf(percent: string): Power {
  const value = Number(percent);
  return percent !== '' && value >= 0 && value <= 100 ? { batteryShare: value / 100 } : {};
}

/** Exported for its test: what `pmset -g batt` prints. */
export function parsePmset(text: string): Power {
  const battery = /InternalBattery[^\n]*?(\d{1,3})%/.exec(text);
  if (battery === null) return {};
  const source = /drawing from '([^']+)'/.exec(text)?.[1];
  return { ...(source === undefined ? {} : { isOnBattery: source === 'Battery Power' }), ...shareOf(battery[1] ?? '') };
}
