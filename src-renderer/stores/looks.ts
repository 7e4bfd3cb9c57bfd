import { createStore, type StoreApi } from 'zustand/vanilla';
import { DEFAULT_PREFERENCES, preferencesSchema, type PreferenceChange, type Preferences } from '../../src-preload/bridge/index.ts';
import type { HostClient } from '../host/host-client.ts';
import { isLanguage, language } from '../language/index.ts';
import type { TabStorage } from './chats.ts';

const KEY = 'omninode.looks';

/** Where the looks are shown: attributes of the document's root. */
export interface LooksRoot {
  lang: string;
  readonly dataset: Record<string, string | undefined>;
}

export interface LooksInit {
  readonly client: HostClient;
  readonly root: LooksRoot;
  /** For the first frame of a window that no server dresses. */
  readonly storage: TabStorage;
}

/** How the page looks. The host has the truth; the page begins as it was dressed, or as it was last. */
export class LooksStore {
  readonly store: StoreApi<Preferences>;
  readonly #init: LooksInit;
  #latest = 0;

  constructor(init: LooksInit) {
    this.#init = init;
    const { lang, dataset: { theme, density, textSize } } = init.root;
    const shown = preferencesSchema.safeParse({ ...DEFAULT_PREFERENCES, ...defined({ theme, density, textSize }), language: lang });
    this.store = createStore(() => shown.data ?? DEFAULT_PREFERENCES);
    this.#show(this.store.getState());
    init.client.store.subscribe((view, old) => {
      if (view.link === 'online' && old.link !== 'online') void this.#follow(init.client.call('preferences.get', {}));
    });
  }

  /** Seen at once, kept a moment later. */
  set(change: PreferenceChange): void {
    this.#show({ ...this.store.getState(), ...change });
    void this.#follow(this.#init.client.call('preferences.set', { change }));
  }

  // A host that keeps no looks leaves the page as it is, and so does a reply that a later change has overtaken.
  async #follow(asked: Promise<Preferences>): Promise<void> {
    this.#latest += 1;
    const mine = this.#latest;
    const preferences = await asked.catch(() => undefined);
    if (preferences !== undefined && mine === this.#latest) this.#show(preferences);
  }

  #show(preferences: Preferences): void {
    const { root, storage } = this.#init;
    const { theme, density, textSize, language: code } = preferences;
    Object.assign(root.dataset, { theme, density, textSize });
    if (isLanguage(code)) {
      root.lang = code;
      language.setState({ code });
    }
    storage.setItem(KEY, JSON.stringify({ theme, density, textSize }));
    this.store.setState(preferences);
  }
}

const defined = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
