import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BridgeServer, startHttpServer } from '../../src-main/api/index.ts';
import { silentLogger } from '../../src-main/base/index.ts';
import { serveIpc } from '../../src-main/electron/ipc-bridge.ts';
import { SOCKET } from '../../src-preload/bridge/index.ts';
import { createVerbs } from '../../src-preload/verbs.ts';
import { connectToElectron } from '../../src-renderer/host/electron-connection.ts';
import { connectToSocket } from '../../src-renderer/host/socket-connection.ts';
import { IpcDouble } from '../support/ipc-double.ts';
import { NO_METRICS, ScriptedHost } from '../support/scripted-host.ts';
import { bridgeCompliance, type BridgeSubject } from './bridge.ts';
import { shellCompliance } from './bridge-shell.ts';

const KEY = 'k'.repeat(32);
const ORIGIN = 'omninode-ui://app';

const overSocket = async (host: ScriptedHost): Promise<BridgeSubject> => {
  const renderer = await mkdtemp(join(tmpdir(), 'omninode-page-'));
  await writeFile(join(renderer, 'index.html'), '<!doctype html>');
  const server = await startHttpServer({ host, metrics: NO_METRICS, logger: silentLogger, renderer, options: { key: KEY } });
  const open = (): WebSocket => new WebSocket(`${server.address.replace('http', 'ws')}${SOCKET.path.slice(1)}`, [SOCKET.protocol, `${SOCKET.keyPrefix}${KEY}`]);
  return {
    connect: () => connectToSocket(server.address, KEY, (url, protocols) => new WebSocket(url, protocols)),
    callRaw: (call, input) => new Promise((resolve, reject) => {
      const socket = open();
      socket.once('error', reject).once('open', () => socket.send(JSON.stringify({ id: 1, call, input }))).once('message', (data) => {
        socket.close();
        resolve((JSON.parse(String(data)) as { result: unknown }).result);
      });
    }),
    stop: async () => {
      await server.stop();
      await rm(renderer, { recursive: true });
    },
  };
};

function overIpc(host: ScriptedHost) {
  const ipc = new IpcDouble();
  const server = new BridgeServer({ host, logger: silentLogger });
  const close = serveIpc({ server, ipcMain: ipc.ipcMain, origin: ORIGIN });
  const verbsOf = (url: string, isTop = true) => createVerbs(ipc.openPage(url, isTop).ipcRenderer);
  return { verbsOf, stop: async () => { close(); server.close(); } };
}

const overElectron = async (host: ScriptedHost): Promise<BridgeSubject> => {
  const { verbsOf, stop } = overIpc(host);
  return {
    connect: async () => connectToElectron(verbsOf(`${ORIGIN}/index.html`)),
    callRaw: (name, input) => verbsOf(`${ORIGIN}/index.html`).call(name, input),
    stop,
  };
};

for (const [name, open] of [['WebSocket', overSocket], ['Electron IPC', overElectron]] as const) {
  bridgeCompliance(name, open);
  shellCompliance(name, open);
}

it.each([
  ['a foreign page', 'https://example.org/', true],
  ['a look-alike origin', `${ORIGIN}.example.org/`, true],
  ['a frame inside our page', `${ORIGIN}/index.html`, false],
])('IPC refuses %s', async (_, url, isTop) => {
  const { verbsOf, stop } = overIpc(new ScriptedHost());
  expect(await verbsOf(url, isTop).call('host.info', {})).toMatchObject({ ok: false, error: { code: 'ELECTRON_FOREIGN_SENDER' } });
  await stop();
});
