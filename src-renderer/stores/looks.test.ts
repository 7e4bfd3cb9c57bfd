import { expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { DEFAULT_PREFERENCES, type Preferences } from '../../src-preload/bridge/index.ts';
import type { HostClient, HostView } from '../host/host-client.ts';
import { LooksStore, type LooksRoot } from './looks.ts';

/** Replies when it is told to. */
function slowClient() {
  const replies: Array<(value: Preferences) => void> = [];
  const store = createStore<HostView>(() => ({ link: 'connecting', state: undefined }));
  const client = { store, call: () => new Promise((resolve) => replies.push(resolve)) } as unknown as HostClient;
  return { client, store, replies };
}

const root = (dataset: Record<string, string> = {}): LooksRoot => ({ lang: 'en', dataset });
const storage = () => {
  const kept = new Map<string, string>();
  return { kept, getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
};

it('begins as the page was dressed, and then as the host says', async () => {
  const { client, store, replies } = slowClient();
  const page = root({ theme: 'dark', density: 'no such' });
  const looks = new LooksStore({ client, root: root({ theme: 'dark' }), storage: storage() });
  expect(looks.store.getState()).toEqual({ ...DEFAULT_PREFERENCES, theme: 'dark' });
  expect(new LooksStore({ client: slowClient().client, root: page, storage: storage() }).store.getState()).toEqual(DEFAULT_PREFERENCES);
  store.setState({ link: 'online' });
  replies[0]?.({ ...DEFAULT_PREFERENCES, textSize: 'large' });
  await expect.poll(() => looks.store.getState()).toEqual({ ...DEFAULT_PREFERENCES, textSize: 'large' });
});

it('shows a change at once, and no older reply after a newer change', async () => {
  const { client, replies } = slowClient();
  const [page, tab] = [root(), storage()];
  const looks = new LooksStore({ client, root: page, storage: tab });
  looks.set({ theme: 'dark' });
  looks.set({ density: 'compact' });
  expect(page.dataset).toMatchObject({ theme: 'dark', density: 'compact' });
  expect(JSON.parse(tab.kept.get('omninode.looks') ?? '')).toEqual({ theme: 'dark', density: 'compact', textSize: 'normal' });
  replies[0]?.({ ...DEFAULT_PREFERENCES, theme: 'dark' });
  await Promise.resolve();
  await Promise.resolve();
  expect(page.dataset).toMatchObject({ density: 'compact' });
  replies[1]?.({ ...DEFAULT_PREFERENCES, theme: 'dark', density: 'compact', language: 'xx' });
  await expect.poll(() => looks.store.getState().language).toBe('xx');
  // A language that this page does not have leaves it in its own.
  expect(page.lang).toBe('en');
});
