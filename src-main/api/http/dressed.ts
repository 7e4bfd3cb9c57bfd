import type { Preferences } from '../../../src-preload/bridge/index.ts';

/** The page as its owner likes it from the first frame on: what comes later would be seen to change. */
export function dressed(page: Buffer, { theme, density, textSize, language }: Preferences): string {
  // Each is one of a few words, or a language's code, by its schema.
  return page.toString('utf8').replace(/<html lang="[\w-]+"/, `<html lang="${language}" data-theme="${theme}" data-density="${density}" data-text-size="${textSize}"`);
}
