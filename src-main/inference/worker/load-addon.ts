import { createRequire } from 'node:module';
import type { NativeAddon } from '../../../native/index.d.ts';
import { engineErrors } from '../errors.ts';

/** Loads the addon's binary. Throws ENGINE_ADDON_MISSING. */
export function loadAddon(path: string): NativeAddon {
  try {
    return createRequire(import.meta.url)(path) as NativeAddon;
  } catch (error) {
    throw engineErrors.addonMissing({ path }, error);
  }
}
