import type { Page } from 'playwright-core';

/** Letters on the page that are neither marked as translated nor said by the host (`lang="en"`) nor data; `own` is what the test made up. */
export const untranslated = (page: Page, own: readonly string[] = []): Promise<string[]> => page.evaluate((known) => {
  const texts: string[] = [];
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('[lang="en"]') !== null) continue;
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) texts.push(element.getAttribute(name) ?? '');
    // What a machine says of itself: ids, paths, values of the configuration.
    if (element.closest('code, pre, kbd, textarea, #language') !== null) continue;
    for (const child of element.childNodes) if (child.nodeType === Node.TEXT_NODE) texts.push(child.textContent ?? '');
  }
  // Months are the browser's words: dates of the language of tests are written as the English ones.
  const data = (text: string): string => known.reduce((rest, one) => rest.replaceAll(one, ''), text).replaceAll(/OmniNode( Guide)?|^scripted$|\/ip4\S*|https?:\S*|omni:\S*|12D3KooW\w*|0x[0-9a-fA-F]+|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b|…\w{6}/g, '');
  return [...new Set(texts.map(data).filter((text) => /[A-Za-z]{3}/.test(text)))];
}, own);
