import { afterEach, expect, it, vi } from 'vitest';
import type { Push } from '../../../src-preload/bridge/index.ts';
import { STAGES, ScriptedHost, untilStopped } from '../../../test/support/scripted-host.ts';
import { silentLogger } from '../../base/index.ts';
import { BridgeServer } from './server.ts';

vi.useFakeTimers();
afterEach(() => vi.clearAllTimers());

async function subscribe(server: BridgeServer) {
  const pushes: Push[] = [];
  const client = server.connect((push) => void pushes.push(push));
  await client.call('state.subscribe', {});
  return { client, pushes };
}

/** Asks in a conversation of its own; what was told before the answer began is forgotten. */
async function ask({ client, pushes }: Awaited<ReturnType<typeof subscribe>>, host: ScriptedHost): Promise<void> {
  const { id } = host.conversations.create();
  pushes.length = 0;
  await client.call('conversations.send', { id, text: 'go' });
}

const CHANGED = 'conversations.changed';

it('sends high-rate values at most ten times a second, the newest last', async () => {
  const host = new ScriptedHost();
  const { pushes } = await subscribe(new BridgeServer({ host, logger: silentLogger }));
  for (let step = 0; step < 1_000; step += 1) {
    host.setStages(STAGES.map((stage) => ({ ...stage, msPerToken: step })));
    await vi.advanceTimersByTimeAsync(1);
  }
  await vi.advanceTimersByTimeAsync(100);
  expect(pushes.length).toBeGreaterThanOrEqual(9);
  expect(pushes.length).toBeLessThanOrEqual(12);
  expect(pushes.at(-1)).toMatchObject({ event: 'pipeline.stages', data: [{ msPerToken: 999 }, {}, {}] });
});

it('joins text to at most thirty pieces a second, the first at once, and loses none', async () => {
  const host = new ScriptedHost();
  host.script = async function* () {
    for (let index = 0; index < 500; index += 1) {
      yield { text: `${index} ` };
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const page = await subscribe(new BridgeServer({ host, logger: silentLogger }));
  const { pushes } = page;
  await ask(page, host);
  await vi.advanceTimersByTimeAsync(0);
  expect(pushes.map((push) => push.event).filter((event) => event !== CHANGED)).toEqual(['chat.started', 'chat.delta']);
  await vi.advanceTimersByTimeAsync(1_100);
  const texts = pushes.flatMap((push) => (push.event === 'chat.delta' ? [push.data.text] : []));
  expect(texts.join('')).toBe(Array.from({ length: 500 }, (_, index) => `${index} `).join(''));
  expect(texts.length).toBeLessThanOrEqual(33);
  expect(pushes.findLast(({ event }) => event !== CHANGED)?.event).toBe('chat.done');
});

it('tells the text before the end, and a snapshot tells nothing twice', async () => {
  const host = new ScriptedHost();
  host.script = untilStopped('begun');
  const server = new BridgeServer({ host, logger: silentLogger });
  await ask(await subscribe(server), host);
  await vi.advanceTimersByTimeAsync(0);
  const late = await subscribe(server);
  await vi.advanceTimersByTimeAsync(200);
  expect(late.pushes).toEqual([]);
});

it('limits the calls of one client and not of another', async () => {
  const server = new BridgeServer({ host: new ScriptedHost(), logger: silentLogger, options: { callsPerSecond: 1, callBurst: 2 } });
  const [one, other] = [server.connect(() => undefined), server.connect(() => undefined)];
  const results = [];
  for (let index = 0; index < 3; index += 1) results.push((await one.call('host.info', {})).ok);
  expect(results).toEqual([true, true, false]);
  expect((await other.call('host.info', {})).ok).toBe(true);
});

it('tells nothing of an answer after it is closed, and lets it go on', async () => {
  const host = new ScriptedHost();
  host.script = untilStopped('begun');
  const server = new BridgeServer({ host, logger: silentLogger });
  const page = await subscribe(server);
  await ask(page, host);
  await vi.advanceTimersByTimeAsync(200);
  server.close();
  const before = page.pushes.length;
  await host.conversations.close();
  expect(page.pushes).toHaveLength(before);
  expect(host.requests[0]?.signal.aborted).toBe(true);
});
