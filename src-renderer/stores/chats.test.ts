import { expect, it } from 'vitest';
import { BridgeServer } from '../../src-main/api/index.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { serveIpc } from '../../src-main/electron/ipc-bridge.ts';
import { createVerbs } from '../../src-preload/verbs.ts';
import { IpcDouble } from '../../test/support/ipc-double.ts';
import { FINISH, ScriptedHost, untilStopped } from '../../test/support/scripted-host.ts';
import { connectToElectron } from '../host/electron-connection.ts';
import { HostClient } from '../host/host-client.ts';
import { ChatsStore, liveMessage, type ChatsView, type LiveMessage } from './chats.ts';

class MemoryStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.items.set(key, value);
}

function serve(host: ScriptedHost) {
  const ipc = new IpcDouble();
  serveIpc({ server: new BridgeServer({ host, logger: silentLogger }), ipcMain: ipc.ipcMain, origin: 'app://page' });
  return async () => connectToElectron(createVerbs(ipc.openPage('app://page/').ipcRenderer));
}

async function open(host: ScriptedHost, storage = new MemoryStorage(), connect = serve(host)) {
  const client = new HostClient({ connect });
  const chats = new ChatsStore(client, storage);
  client.start();
  await until(chats.store, ({ list }) => list !== undefined);
  const last = (view: ChatsView): LiveMessage | undefined => {
    const message = view.open?.messages.get(view.open.total - 1);
    return message === undefined ? undefined : liveMessage(message, client.store.getState().state);
  };
  return { client, chats, storage, last, isOver: (view: ChatsView) => last(view)?.state === 'done' && last(view)?.role === 'assistant' };
}

function until<T>(store: { getState(): T; subscribe(listener: (state: T) => void): () => void }, accept: (state: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = (state: T): void => {
      if (!accept(state)) return;
      stop();
      resolve(state);
    };
    const stop = store.subscribe(look);
    look(store.getState());
  });
}

it('begins a conversation with its first question, and goes on in it', async () => {
  const host = new ScriptedHost();
  const { chats, isOver, last } = await open(host);
  expect(await chats.send('first question')).toBe(true);
  await until(chats.store, isOver);
  await chats.send('  second ');
  const over = await until(chats.store, (view) => view.open?.total === 4 && isOver(view));
  expect(last(over)).toMatchObject({ content: 'second', finish: FINISH });
  expect(over.list?.map(({ title }) => title)).toEqual(['first question']);
  expect(host.requests[1]?.messages.map(({ content }) => content)).toEqual(['first question', 'first question', 'second']);
});

it('begins one conversation for settings and the question right after them, with what was being written', async () => {
  const host = new ScriptedHost();
  const { chats, storage, isOver } = await open(host);
  chats.setDraft('half a question');
  const applied = chats.settings({ options: { temperature: 0.5 } });
  const sent = chats.send('asked at once');
  await Promise.all([applied, sent]);
  const over = await until(chats.store, isOver);
  expect(over.list?.map(({ title }) => title)).toEqual(['asked at once']);
  expect(host.requests[0]).toMatchObject({ sampling: { temperature: 0.5 } });
  expect([over.open?.draft, over.draft]).toEqual(['half a question', '']);
  await chats.select(undefined);
  const reloaded = await open(host, storage, serve(host));
  expect(await reloaded.chats.send('asked after a reload without a conversation')).toBe(true);
});

it('goes on with an answer after a reload, and stops it', async () => {
  const host = new ScriptedHost();
  host.script = untilStopped('still here');
  const connect = serve(host);
  const before = await open(host, new MemoryStorage(), connect);
  await before.chats.send('q');
  const after = await open(host, before.storage, connect);
  await until(after.client.store, ({ state }) => Object.values(state?.answers ?? {}).some(({ text }) => text === 'still here'));
  expect(after.last(await until(after.chats.store, (view) => after.last(view)?.role === 'assistant'))).toMatchObject({ content: 'still here', state: 'writing' });
  await after.chats.stop();
  expect(after.last(await until(after.chats.store, after.isOver))?.finish?.finishReason).toBe('cancelled');
});

it('keeps a draft in the host, and shows another page’s changes', async () => {
  const host = new ScriptedHost();
  const connect = serve(host);
  const [one, two] = [await open(host, new MemoryStorage(), connect), await open(host, new MemoryStorage(), connect)];
  await one.chats.send('q');
  const { open: chat } = await until(one.chats.store, one.isOver);
  const id = chat!.conversation.id;
  one.chats.setDraft('not yet');
  await one.chats.select(undefined);
  await two.chats.select(id);
  expect(two.chats.store.getState().open?.draft).toBe('not yet');
  await one.chats.update(id, { title: 'Renamed' });
  await until(two.chats.store, ({ open: shown }) => shown?.conversation.title === 'Renamed');
  await one.chats.delete(id);
  expect((await until(two.chats.store, ({ open: shown }) => shown === undefined)).list).toBeDefined();
});

it('loses no draft to a reload or to a host that is away', async () => {
  const host = new ScriptedHost();
  const { chats, isOver, storage, client } = await open(host);
  chats.setDraft('of a chat that has not begun');
  expect((await open(host, storage)).chats.store.getState().draft).toBe('of a chat that has not begun');
  chats.setDraft('');
  await chats.send('q');
  const id = (await until(chats.store, isOver)).open!.conversation.id;
  const draftOf = () => host.conversations.open({ id, limit: 1 }).draft;
  client.stop();
  chats.setDraft('written while the host was away');
  const after = await open(host, storage);
  await until(after.chats.store, ({ open: shown }) => shown?.draft === 'written while the host was away');
  await expect.poll(draftOf).toBe('written while the host was away');
  await expect.poll(() => storage.getItem('omninode.draft')).toBe('');
});

it('forgets what belongs to another branch', async () => {
  const host = new ScriptedHost();
  const { chats, isOver } = await open(host);
  await chats.send('one');
  const first = await until(chats.store, isOver);
  await chats.send('two');
  await until(chats.store, (view) => view.open?.total === 4 && isOver(view));
  await chats.send('uno', { edits: first.open!.messages.get(0)!.id });
  const other = await until(chats.store, (view) => view.open?.total === 2 && view.open.messages.get(1)?.state === 'done');
  expect([...other.open!.messages.values()].map(({ content }) => content)).toEqual(['uno', 'uno']);
  await chats.choose(first.open!.messages.get(0)!.id);
  await until(chats.store, (view) => view.open?.total === 4 && view.open.messages.get(3)?.content === 'two');
});

it('shows what a command failed with', async () => {
  const host = new ScriptedHost();
  const { chats } = await open(host);
  await chats.import(new Blob(['{']));
  expect(chats.store.getState().error).toMatchObject({ code: 'CHATS_BAD_FILE' });
});
