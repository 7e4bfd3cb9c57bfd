import { electronErrors } from './errors.ts';

/** One window of the wallet's documents; what of Electron's BrowserWindow is used. */
export interface DocumentWindow {
  load(url: string): Promise<void>;
  /** To the front. */
  show(): void;
  close(): void;
  onClosed(listener: () => void): void;
}

/** Where a document of the wallet may lie: the host's own loopback port, and nothing but its ticket in the path. */
const DOCUMENT = /^http:\/\/127\.0\.0\.1:(\d{1,5})\/[\w-]{43}$/;

/** `http://127.0.0.1:PORT` of a document. Throws ELECTRON_NO_DOCUMENT. */
export function documentOrigin(url: string): string {
  if (!DOCUMENT.test(url)) throw electronErrors.noDocument({});
  return new URL(url).origin;
}

/** Windows of the wallet's documents, one for each. They have nothing in common with the page's: no preload, no script, a session of their own. */
export class DocumentWindows {
  readonly #create: (origin: string) => DocumentWindow;
  readonly #open = new Map<string, DocumentWindow>();

  constructor(create: (origin: string) => DocumentWindow) {
    this.#create = create;
  }

  /** `closed`: by its owner or by the app, once. A document that is open comes to the front. Throws ELECTRON_NO_DOCUMENT. */
  async open(url: string, closed: () => void): Promise<void> {
    const origin = documentOrigin(url);
    const known = this.#open.get(url);
    if (known !== undefined) return known.show();
    const window = this.#create(origin);
    this.#open.set(url, window);
    window.onClosed(() => {
      this.#open.delete(url);
      closed();
    });
    try {
      await window.load(url);
      window.show();
    } catch (error) {
      window.close();
      throw electronErrors.noDocument({}, error);
    }
  }

  closeAll(): void {
    for (const window of [...this.#open.values()]) window.close();
  }
}
