import { readdir, readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { HostConnection } from '../../src-preload/bridge/index.ts';
import { connectToSocket, type CreateSocket } from '../../src-renderer/host/socket-connection.ts';
import { servedUrl, startCliSource, type CliResult, type RunningCli } from '../support/cli.ts';

const SECRETS = { uiToken: 'ui-token-0123456789abcdef', hubToken: 'hf_token_0123456789abcdef' };
const QUESTION = 'What does the walrus whisper?';
let home = '';
let env: Record<string, string>;
let serving: RunningCli | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-secrets-'));
  env = { OMNINODE_HOME: home, OMNINODE_UI_TOKEN: SECRETS.uiToken, OMNINODE_HUB_TOKEN: SECRETS.hubToken, OMNINODE_LOG: 'debug', OMNINODE_ZONE: 'private', OMNINODE_THREADS: '1', OMNINODE_CALIBRATE: '0' };
});
afterAll(async () => {
  serving?.child.kill('SIGKILL');
  await serving?.done;
  await rm(home, { recursive: true });
});

const run = (...args: readonly string[]): Promise<CliResult> => startCliSource(args, env).done;

/** Connects as the page does; `heard` gets every frame as it came. */
function listenTo(heard: string[]): CreateSocket {
  return (url, protocols) => {
    const socket = new WebSocket(url, protocols);
    socket.on('message', (data) => heard.push(String(data)));
    return socket;
  };
}

async function filesOf(folder: string): Promise<Array<readonly [string, string]>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => [entry.name, await readFile(join(entry.parentPath, entry.name), 'latin1')] as const));
}

/** Asks the model inside, and waits for its answer. */
async function chat(page: HostConnection): Promise<void> {
  const told = (pattern: RegExp): Promise<void> => new Promise((resolve) => page.onPush((push) => { if (pattern.test(JSON.stringify(push))) resolve(); }));
  const [over, isReady] = [told(/"chat\.(done|error)"/), told(/"kind":"ready"/)];
  const { state } = await page.call('state.subscribe', {});
  if (state.status.kind !== 'ready') await isReady;
  const { id } = await page.call('conversations.create', {});
  await page.call('conversations.send', { id, text: QUESTION });
  await over;
}

/** What a file holds that is not made for it. */
function foundIn([file, content]: readonly [string, string], hidden: Readonly<Record<string, string>>): readonly string[] {
  const isItsFile = (name: string): boolean => (file === 'zone.key' && name.startsWith('zone')) || (file === 'identity.key' && name === 'identity');
  const names = Object.entries(hidden).filter(([name, secret]) => !isItsFile(name) && content.includes(secret)).map(([name]) => name);
  return [...names, ...(!file.startsWith('chats.db') && content.includes('walrus') ? ['question'] : [])].map((name) => `${name} in ${file}`);
}

it('a host at work tells no secret: not in its log, not to the page, not in a file that is not made for it', async () => {
  expect(await run('zone', 'new-key')).toMatchObject({ code: 0 });
  const [, apiKey = ''] = /"key":"([^"]+)"/.exec((await run('key', 'new', '--scope', 'chat', '--scope', 'models', '--json')).stdout) ?? [];
  expect(apiKey).not.toBe('');
  serving = startCliSource(['serve', '--json'], env);
  const url = await servedUrl(serving);
  const base = url.split('#')[0] ?? '';
  const heard: string[] = [];
  const page = await connectToSocket(base, SECRETS.uiToken, listenTo(heard));
  await chat(page);
  // Refused attempts are what tempts a log to quote them.
  for (const authorization of [`Bearer ${apiKey}`, `Bearer ${SECRETS.uiToken}`, `Bearer ${apiKey}x`]) for (const path of ['v1/models', 'metrics', 'session', `session?key=${apiKey}`]) await (await fetch(base + path, { headers: { authorization } })).text();
  const { link } = await page.call('invite.create', {}).catch(() => ({ link: undefined }));
  await page.call('invite.check', { link: link ?? 'omni://join/aaaaaaaa' }).catch(() => undefined);
  page.close();
  serving.child.kill('SIGTERM');
  const { stdout, stderr } = await serving.done;

  const zoneKey = (await readFile(join(home, 'zone.key'), 'utf8')).trim();
  const identity = (await readFile(join(home, 'identity.key'))).toString('latin1').trim();
  expect([zoneKey.length, identity.length > 30]).toEqual([64, true]);
  // The link that opens the page is printed for its owner: everything else that was said is log.
  const log = `${stdout}${stderr}`.replace(url, '');
  expect(log).toContain('"level"');
  const hidden = { ...SECRETS, apiKey, zoneKey, zoneKeyBytes: Buffer.from(zoneKey, 'hex').toString('base64'), identity };
  for (const [name, secret] of Object.entries(hidden)) expect([name, log.includes(secret), heard.some((frame) => frame.includes(secret))]).toEqual([name, false, false]);
  expect(log).not.toContain('walrus');
  if (link !== undefined) expect(log).not.toContain(link);
  for (const file of await filesOf(home)) expect(foundIn(file, hidden)).toEqual([]);
});
