import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const pixel = z.number().int().min(-100_000).max(100_000);
const stateSchema = z.object({ x: pixel.exactOptional(), y: pixel.exactOptional(), width: z.number().int().min(360).max(20_000), height: z.number().int().min(480).max(20_000), isMaximized: z.boolean() });

/** In device-independent pixels; without a place the system chooses one. */
export type WindowState = z.infer<typeof stateSchema>;

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const DEFAULT_STATE: WindowState = { width: 1080, height: 760, isMaximized: false };

/** How much of the title bar must be on a screen, so that the window can be moved. */
const GRIP_WIDTH = 120;
const GRIP_HEIGHT = 32;

/** As it was left; the default where nothing readable lies. It is read before the first paint, so without waiting. */
export function readWindowState(path: string): WindowState {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return DEFAULT_STATE;
  }
}

/** Written while the app quits, so without waiting too; a failure costs only the place. */
export function writeWindowState(path: string, state: WindowState): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.partial`, JSON.stringify(state), { mode: 0o600 });
    renameSync(`${path}.partial`, path);
  } catch { /* The next window is where the system puts it. */ }
}

/** Where it can be seen: a screen may be gone since, or smaller. `screens`: their work areas, the main one first. */
export function onScreen({ x, y, ...state }: WindowState, screens: readonly Area[]): WindowState {
  const [main] = screens;
  const screen = x === undefined || y === undefined ? undefined : screens.find((area) => hasGrip({ x, y, width: state.width }, area));
  const { width, height } = screen ?? main ?? state;
  const fitted = { ...state, width: Math.max(360, Math.min(state.width, width)), height: Math.max(480, Math.min(state.height, height)) };
  return screen === undefined || x === undefined || y === undefined ? fitted : { ...fitted, x, y };
}

function hasGrip({ x, y, width }: { readonly x: number; readonly y: number; readonly width: number }, area: Area): boolean {
  const seen = Math.min(x + width, area.x + area.width) - Math.max(x, area.x);
  return seen >= GRIP_WIDTH && y >= area.y && y + GRIP_HEIGHT <= area.y + area.height;
}
