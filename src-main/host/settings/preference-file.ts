import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_PREFERENCES, preferencesSchema, type PreferenceChange, type Preferences } from '../../../src-preload/bridge/index.ts';
import type { PreferenceService } from '../../api/index.ts';
import { writeAtomically } from '../../base/index.ts';

/** How pages look, in `<home>/preferences.json`. One that is missing or damaged costs the looks, nothing else. */
export function preferenceService(home: string): PreferenceService {
  const path = join(home, 'preferences.json');
  let current = read(path);
  let writing: Promise<void> = Promise.resolve();
  return {
    now: () => current,
    set: async (change) => {
      current = merged(current, change);
      const text = `${JSON.stringify(current, undefined, 2)}\n`;
      // One after the other: the last change is the one that stays.
      writing = writing.catch(() => undefined).then(() => writeAtomically(path, async (file) => void (await file.writeFile(text))));
      await writing;
      return current;
    },
  };
}

const merged = (preferences: Preferences, change: PreferenceChange): Preferences => preferencesSchema.parse({ ...preferences, ...change });

function read(path: string): Preferences {
  try {
    return preferencesSchema.parse({ ...DEFAULT_PREFERENCES, ...JSON.parse(readFileSync(path, 'utf8')) });
  } catch {
    return DEFAULT_PREFERENCES;
  }
}
