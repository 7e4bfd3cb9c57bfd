import fc from 'fast-check';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BridgeServer, startHttpServer, type HttpServer } from '../../src-main/api/index.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { serveIpc } from '../../src-main/electron/ipc-bridge.ts';
import { callResultSchema, commands, IPC, resultFrameSchema, SOCKET, type CallResult, type CommandName } from '../../src-preload/bridge/index.ts';
import { fromSchema } from '../support/from-schema.ts';
import { IpcDouble } from '../support/ipc-double.ts';
import { seeded } from '../support/models/index.ts';
import { NO_METRICS, ScriptedHost } from '../support/scripted-host.ts';
import { casesOf } from './cases.ts';
import { mutateText } from './mutate-text.ts';

const CALLS = casesOf(4_000);
const FRAMES = casesOf(2_000);
const SEED = 20_26;
const UNLIMITED = { callsPerSecond: 1e9, callBurst: 1e9 };
const ORIGIN = 'app://omninode';
const KEY = 'a-key-that-only-this-test-knows';

const names = Object.keys(commands) as CommandName[];
/** Mostly calls that are right or nearly so: what is refused at its name finds nothing. */
const call = fc.oneof(
  { weight: 40, arbitrary: fc.oneof(...names.map((name) => fc.tuple(fc.constant<unknown>(name), fromSchema(commands[name].input)))) },
  { weight: 1, arbitrary: fc.tuple(fc.oneof(fc.constantFrom<unknown>('__proto__', 'toString', '', null, 7, 'x'.repeat(10_000)), fc.string()), fc.jsonValue()) },
);
const calls = (count: number, seed: number): Array<[unknown, unknown]> => fc.sample(call, { numRuns: count, seed });

/** Most calls speak of what is there: one about an unknown conversation finds little. */
function about([name, input]: readonly [unknown, unknown], { conversation, messages }: Kept, random: () => number): [unknown, unknown] {
  if (typeof input !== 'object' || input === null || Array.isArray(input) || random() < 0.2) return [name, input];
  const messageId = messages[Math.floor(random() * messages.length)];
  return [name, { ...input, ...('id' in input ? { id: conversation } : {}), ...('messageId' in input ? { messageId } : {}), ...('edits' in input ? { edits: messageId } : {}) }];
}

/** Some calls delete what they speak of. */
const KEPT_CALLS = 100;

interface Kept {
  readonly conversation: string;
  readonly messages: readonly string[];
}

async function keep({ conversations }: ScriptedHost): Promise<Kept> {
  const { id } = conversations.create();
  const over = conversations.events.once('done');
  conversations.send({ id, text: 'one two three' });
  await over;
  const { messages } = conversations.open({ id, limit: 50 });
  return { conversation: id, messages: messages.map((message) => message.id) };
}

/** Every result has the form of one; nothing was this program's own fault. */
function judge(result: CallResult, what: () => string): 'ok' | 'refused' {
  if (!callResultSchema.safeParse(result).success) throw new Error(`no result: ${what()}`);
  if (result.ok) return 'ok';
  if (!/^[A-Z][A-Z0-9_]+$/.test(result.error.code) || result.error.code === 'API_INTERNAL') throw new Error(`${result.error.code} ${result.error.message}: ${what()}`);
  return 'refused';
}

describe('the bridge', () => {
  it(`gives ${CALLS} odd calls over Electron's IPC a result with a code, and goes on`, async () => {
    const [host, double] = [new ScriptedHost(), new IpcDouble()];
    const server = new BridgeServer({ host, logger: silentLogger, options: UNLIMITED });
    const close = serveIpc({ server, ipcMain: double.ipcMain, origin: ORIGIN });
    const page = double.openPage(`${ORIGIN}/index.html`);
    const counts = { ok: 0, refused: 0 };
    const random = seeded(SEED);
    let kept = await keep(host);
    for (const [index, one] of calls(CALLS, SEED).entries()) {
      if (index % KEPT_CALLS === 0) kept = await keep(host);
      const [name, input] = about(one, kept, random);
      const result = await page.ipcRenderer.invoke(IPC.call, name, input) as CallResult;
      counts[judge(result, () => JSON.stringify([name, input]))]++;
    }
    // Both ways were gone: neither a host that refuses all nor one that takes all passes.
    expect(counts.ok).toBeGreaterThan(CALLS / 20);
    expect(counts.refused).toBeGreaterThan(CALLS / 20);
    expect(await page.ipcRenderer.invoke(IPC.call, 'host.info', {})).toMatchObject({ ok: true });
    close();
    server.close();
    await host.conversations.close();
  });

  describe('over a socket', () => {
    const host = new ScriptedHost();
    let server: HttpServer;
    let renderer: string;

    beforeAll(async () => {
      renderer = await mkdtemp(join(tmpdir(), 'omninode-fuzz-'));
      await writeFile(join(renderer, 'index.html'), '<!doctype html>');
      server = await startHttpServer({ host, metrics: NO_METRICS, logger: silentLogger, renderer, bridge: UNLIMITED, options: { key: KEY, requestsPerSecond: 1e6, requestBurst: 1e6 } });
    });
    afterAll(async () => {
      await server.stop();
      await host.conversations.close();
      await rm(renderer, { recursive: true });
    });

    const open = async (): Promise<WebSocket> => {
      const socket = new WebSocket(`${server.address.replace('http', 'ws')}${SOCKET.path.slice(1)}`, [SOCKET.protocol, `${SOCKET.keyPrefix}${KEY}`]);
      await once(socket, 'open');
      return socket;
    };

    it(`answers ${FRAMES} damaged frames or closes with a reason, and goes on`, async () => {
      const random = seeded(SEED);
      const counts = { ok: 0, refused: 0, closed: 0 };
      let [socket, kept] = [await open(), await keep(host)];
      for (const [index, one] of calls(FRAMES, SEED + 1).entries()) {
        if (index % KEPT_CALLS === 0) kept = await keep(host);
        const [name, input] = about(one, kept, random);
        const good = Buffer.from(JSON.stringify({ id: index, call: name, input: input ?? null }));
        const frame = index % 2 === 0 ? good : mutateText(good, random);
        const said = new Promise<CallResult | number>((resolve) => {
          // Pushes come in between once a frame has subscribed.
          socket.on('message', (data) => {
            const { data: reply } = resultFrameSchema.safeParse(JSON.parse(String(data)));
            if (reply !== undefined) resolve(reply.result);
          });
          socket.once('close', (code) => resolve(code));
        });
        socket.send(frame.toString());
        const outcome = await said;
        socket.removeAllListeners();
        if (typeof outcome !== 'number') counts[judge(outcome, () => frame.toString())]++;
        else {
          expect([1008, 1009]).toContain(outcome);
          counts.closed++;
          socket = await open();
        }
      }
      socket.close();
      for (const count of Object.values(counts)) expect(count).toBeGreaterThan(FRAMES / 50);
      expect((await fetch(`${server.address}health`)).status).toBe(200);
    });
  });
});
