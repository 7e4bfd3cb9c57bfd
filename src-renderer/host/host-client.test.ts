import { expect, it } from 'vitest';
import { ScriptedHost } from '../../test/support/scripted-host.ts';
import { bridgeErrors, type HostConnection, type HostState, type Push, type Snapshot } from '../../src-preload/bridge/index.ts';
import { HostClient, type HostView } from './host-client.ts';

const host = new ScriptedHost();
const STATE: HostState = { info: host.info(), status: { kind: 'starting' }, stages: [], peers: [], answers: {} };
const loading = (seq: number, progress: number): Push => ({ seq, event: 'host.status', data: { kind: 'loading', model: 'm', progress } });

/** A connection whose snapshots and pushes the test writes. */
class FakeConnection implements HostConnection {
  subscribes = 0;
  snapshot: Snapshot = { seq: 10, state: STATE };
  beforeReply: () => void = () => undefined;
  #push: (raw: unknown) => void = () => undefined;
  #closed: Array<() => void> = [];
  call = (async () => {
    this.subscribes += 1;
    this.beforeReply();
    return this.snapshot;
  }) as HostConnection['call'];
  onPush(listener: (raw: unknown) => void): () => void {
    this.#push = listener;
    return () => undefined;
  }
  onClose(listener: () => void): () => void {
    this.#closed.push(listener);
    return () => undefined;
  }
  close(): void {
    for (const listener of this.#closed.splice(0)) listener();
  }
  push(...pushes: unknown[]): void {
    for (const push of pushes) this.#push(push);
  }
}

const RETRY = { firstMs: 1, maxMs: 2 };

function until(client: HostClient, accept: (view: HostView) => boolean): Promise<HostView> {
  return new Promise((resolve) => {
    const look = (view: HostView): void => {
      if (!accept(view)) return;
      stop();
      resolve(view);
    };
    const stop = client.store.subscribe(look);
    look(client.store.getState());
  });
}

const progressOf = ({ state }: HostView): unknown => (state?.status.kind === 'loading' ? state.status.progress : undefined);

async function open() {
  const connection = new FakeConnection();
  const client = new HostClient({ connect: async () => connection, retry: RETRY });
  client.start();
  await until(client, (view) => view.link === 'online');
  return { client, connection };
}

it('applies pushes in order and passes over what it has', async () => {
  const { client, connection } = await open();
  connection.push(loading(10, 0.9), loading(11, 0.1), loading(12, 0.2), loading(11, 0.5));
  expect(progressOf(client.store.getState())).toBe(0.2);
  expect(connection.subscribes).toBe(1);
});

it.each<[string, unknown]>([['a gap', loading(13, 0.3)], ['a push it does not understand', { seq: 11, event: 'new.thing', data: {} }]])('asks for a snapshot after %s', async (_, push) => {
  const { client, connection } = await open();
  connection.snapshot = { seq: 20, state: { ...STATE, status: { kind: 'ready' } } };
  connection.push(push);
  await until(client, ({ state }) => state?.status.kind === 'ready');
  connection.push(loading(21, 0.7));
  expect(progressOf(client.store.getState())).toBe(0.7);
  expect(connection.subscribes).toBe(2);
});

it('keeps pushes that arrive before the snapshot', async () => {
  const connection = new FakeConnection();
  connection.beforeReply = () => connection.push(loading(10, 0.1), loading(11, 0.4));
  const client = new HostClient({ connect: async () => connection });
  client.start();
  expect(progressOf(await until(client, (view) => progressOf(view) !== undefined))).toBe(0.4);
});

it('reconnects, keeps showing the last state meanwhile, and resyncs', async () => {
  const connections = [new FakeConnection(), undefined, undefined, new FakeConnection()];
  connections[3]!.snapshot = { seq: 2, state: { ...STATE, status: { kind: 'ready' } } };
  const [first] = connections;
  const client = new HostClient({ retry: RETRY, connect: async () => connections.shift() ?? Promise.reject(bridgeErrors.disconnected()) });
  client.start();
  await until(client, (view) => view.link === 'online');
  first!.close();
  const lost = await until(client, (view) => view.link === 'lost');
  expect(lost.state).toEqual(STATE);
  await expect(client.call('host.info', {})).rejects.toMatchObject({ code: 'BRIDGE_DISCONNECTED' });
  expect((await until(client, (view) => view.link === 'online')).state?.status.kind).toBe('ready');
  client.stop();
});

it('does not retry when the key is refused', async () => {
  let attempts = 0;
  const client = new HostClient({ retry: RETRY, isRefused: async () => true, connect: async () => { attempts += 1; throw bridgeErrors.disconnected(); } });
  client.start();
  await until(client, (view) => view.link === 'refused');
  client.retryNow();
  expect(attempts).toBe(1);
});
