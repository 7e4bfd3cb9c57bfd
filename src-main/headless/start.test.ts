import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NO_METRICS, ScriptedHost } from '../../test/support/scripted-host.ts';
import { startHeadless, type HeadlessInit } from './start.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-headless-'));
  await writeFile(join(home, 'index.html'), '<!doctype html>');
});
afterAll(() => rm(home, { recursive: true }));

function init(config: Partial<HeadlessInit['settings']['config']>, calls: string[] = []): HeadlessInit {
  return {
    host: { api: new ScriptedHost(), metrics: NO_METRICS, start: async () => void calls.push('start'), stop: async () => calls.push('stop') }, renderer: home,
    settings: { config: { home, httpHost: '127.0.0.1', httpPort: 0, apiOrigins: [], httpWithoutTls: false, ...config }, secrets: { uiToken: 'k'.repeat(20) } },
  };
}

it.each([
  ['a network without TLS', { httpHost: '0.0.0.0' }, 'API_NEEDS_TLS'],
  ['a certificate without its key', { httpTlsCert: '/c.pem' }, 'API_TLS_HALF'],
  ['a certificate that is not there', { httpTlsCert: '/nowhere/c.pem', httpTlsKey: '/nowhere/k.pem' }, 'API_TLS_UNREADABLE'],
] as const)('refuses %s before the host starts', async (_, config, code) => {
  const calls: string[] = [];
  await expect(startHeadless(init(config, calls))).rejects.toMatchObject({ code });
  expect(calls).toEqual([]);
});

it('serves this machine, and on a network only what its owner lets be read', async () => {
  for (const config of [{}, { httpHost: '0.0.0.0', httpWithoutTls: true }]) {
    const calls: string[] = [];
    const server = await startHeadless(init(config, calls));
    await server.started;
    expect((await fetch(new URL('/health', server.apiUrl))).status).toBe(200);
    await server.stop();
    expect(calls).toEqual(['start', 'stop']);
  }
});
