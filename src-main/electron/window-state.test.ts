import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_STATE, onScreen, readWindowState, writeWindowState, type Area } from './window-state.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-window-'));
afterAll(() => rmSync(folder, { recursive: true }));
const LAPTOP: Area = { x: 0, y: 25, width: 1440, height: 875 };
const BESIDE: Area = { x: 1440, y: 0, width: 1920, height: 1080 };

describe('a window', () => {
  it('is where it was left, and somewhere when that cannot be read', () => {
    const path = join(folder, 'home', 'window.json');
    expect(readWindowState(path)).toEqual(DEFAULT_STATE);
    const state = { x: -10, y: 40, width: 900, height: 600, isMaximized: true };
    writeWindowState(path, state);
    expect(readWindowState(path)).toEqual(state);
    expect(readdirSync(join(folder, 'home'))).toEqual(['window.json']);
    for (const text of ['', '{', '[]', '{"width":1}', JSON.stringify({ ...state, width: 1e9 }), JSON.stringify({ ...state, x: '0' })]) {
      writeFileSync(path, text);
      expect([text, readWindowState(path)]).toEqual([text, DEFAULT_STATE]);
    }
    mkdirSync(join(folder, 'taken.json'));
    expect(() => writeWindowState(join(folder, 'taken.json'), state)).not.toThrow();
  });

  it.each([
    ['stays on the screen where it was', { x: 1500, y: 10 }, [LAPTOP, BESIDE], { x: 1500, y: 10 }],
    ['may hang over an edge by which it can still be held', { x: 1300, y: 100 }, [LAPTOP], { x: 1300, y: 100 }],
    ['goes where the system puts it when its screen is gone', { x: 1500, y: 10 }, [LAPTOP], {}],
    ['does so when nothing is left to hold it by', { x: 1400, y: 100 }, [LAPTOP], {}],
    ['does so when its title is above the screen', { x: 10, y: 0 }, [LAPTOP], {}],
  ] as const)('%s', (...[, place, screens, expected]) => {
    expect(onScreen({ ...DEFAULT_STATE, ...place }, screens)).toEqual({ ...DEFAULT_STATE, ...expected });
  });

  it('is no larger than its screen', () => {
    expect(onScreen({ x: 0, y: 25, width: 3000, height: 2000, isMaximized: false }, [LAPTOP])).toMatchObject({ width: 1440, height: 875 });
    expect(onScreen({ width: 3000, height: 2000, isMaximized: false }, [])).toMatchObject({ width: 3000, height: 2000 });
  });
});
