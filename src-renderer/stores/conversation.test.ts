import { expect, it } from 'vitest';
import { BridgeServer } from '../../src-main/api/index.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { serveIpc } from '../../src-main/electron/ipc-bridge.ts';
import { createVerbs } from '../../src-preload/verbs.ts';
import { IpcDouble } from '../../test/support/ipc-double.ts';
import { FINISH, ScriptedHost, untilStopped } from '../../test/support/scripted-host.ts';
import { connectToElectron } from '../host/electron-connection.ts';
import { HostClient } from '../host/host-client.ts';
import { ConversationStore, type Conversation, type Turn } from './conversation.ts';

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
  const conversation = new ConversationStore(client, storage);
  client.start();
  await until(client.store, (view) => view.link === 'online');
  return { client, conversation, storage };
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

const lastTurn = ({ turns }: Conversation): Turn => turns.at(-1)!;
const isOver = (conversation: Conversation): boolean => !lastTurn(conversation).isRunning;

it('asks with what was said before', async () => {
  const host = new ScriptedHost();
  const { conversation } = await open(host);
  await conversation.ask('first question');
  await until(conversation.store, isOver);
  await conversation.ask('  second ');
  const over = await until(conversation.store, isOver);
  expect(lastTurn(over)).toMatchObject({ question: 'second', answer: 'second', finish: FINISH, error: undefined });
  expect(host.requests[1]?.messages).toEqual([{ role: 'user', content: 'first question' }, { role: 'assistant', content: 'first question' }, { role: 'user', content: 'second' }]);
});

it('stops, keeps what came, and asks again in its place', async () => {
  const host = new ScriptedHost();
  host.script = untilStopped('half');
  const { conversation } = await open(host);
  await conversation.ask('q');
  await until(conversation.store, (c) => lastTurn(c).answer === 'half');
  await conversation.ask('not while one is running');
  await conversation.stop();
  const stopped = lastTurn(await until(conversation.store, isOver));
  expect(stopped).toMatchObject({ answer: 'half', finish: { finishReason: 'cancelled' } });
  host.script = async function* () { yield { text: 'whole' }; yield { done: FINISH }; };
  await conversation.retry(stopped.id);
  const again = await until(conversation.store, isOver);
  expect(again.turns.map((turn) => turn.answer)).toEqual(['whole']);
});

it('shows a failure and its next step', async () => {
  const host = new ScriptedHost();
  host.script = () => { throw new Error('inside'); };
  const { conversation } = await open(host);
  await conversation.ask('q');
  expect(lastTurn(await until(conversation.store, isOver)).error).toMatchObject({ code: 'API_INTERNAL', next: expect.any(String) });
});

it('goes on with an answer after a reload', async () => {
  const host = new ScriptedHost();
  host.script = untilStopped('still here');
  const connect = serve(host);
  const before = await open(host, new MemoryStorage(), connect);
  await before.conversation.ask('q');
  await until(before.conversation.store, (c) => lastTurn(c).answer !== '');
  const after = await open(host, before.storage, connect);
  await until(after.conversation.store, (c) => lastTurn(c).answer === 'still here');
  await after.conversation.stop();
  expect(lastTurn(await until(after.conversation.store, isOver)).finish?.finishReason).toBe('cancelled');
});

it('says that an answer is lost when the node was restarted', async () => {
  const host = new ScriptedHost();
  host.script = untilStopped('gone');
  const before = await open(host);
  await before.conversation.ask('q');
  await until(before.conversation.store, (c) => lastTurn(c).answer !== '');
  const after = await open(new ScriptedHost(), before.storage);
  expect(lastTurn(await until(after.conversation.store, isOver)).error?.code).toBe('BRIDGE_ANSWER_LOST');
});

it.each(['{', '[]', '{"turns":3}', 'null', '{"turns":[{}]}', '{"id":"c","turns":[null]}'])('starts anew from damaged storage %s', async (text) => {
  const storage = new MemoryStorage();
  storage.setItem('omninode.conversation', text);
  const { conversation } = await open(new ScriptedHost(), storage);
  expect(conversation.store.getState().turns).toEqual([]);
});
