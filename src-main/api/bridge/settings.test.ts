import { expect, it } from 'vitest';
import type { Push } from '../../../src-preload/bridge/index.ts';
import { ScriptedHost } from '../../../test/support/scripted-host.ts';
import { createLogger, LogLines, silentLogger } from '../../base/index.ts';
import { dressed } from '../http/dressed.ts';
import { BridgeServer } from './server.ts';

function open(server: BridgeServer) {
  const pushes: Push[] = [];
  return { client: server.connect((push) => void pushes.push(push)), pushes };
}

it('tells of new log lines while somebody follows them, and else of none', async () => {
  const lines = new LogLines();
  const logger = createLogger('silent', undefined, lines);
  const server = new BridgeServer({ host: Object.assign(new ScriptedHost(), { logs: lines }), logger: silentLogger });
  const [one, two] = [open(server), open(server)];
  await one.client.call('state.subscribe', {});
  logger.info('before');
  await one.client.call('logs.follow', { isOn: true });
  await two.client.call('logs.follow', { isOn: true });
  logger.warn('seen');
  await expect.poll(() => one.pushes).toMatchObject([{ event: 'logs.added', data: { lastSeq: 2 } }]);
  expect(await one.client.call('logs.list', { afterSeq: 1 })).toMatchObject({ ok: true, value: { lastSeq: 2, lines: [{ message: 'seen', level: 'warn' }] } });
  one.client.close();
  await two.client.call('state.subscribe', {});
  logger.info('for the other');
  await expect.poll(() => two.pushes.at(-1)).toMatchObject({ data: { lastSeq: 3 } });
  await two.client.call('logs.follow', { isOn: false });
  logger.info('for nobody');
  expect(await two.client.call('state.snapshot', {})).toMatchObject({ value: { state: { logs: { lastSeq: 3 } } } });
  expect(await two.client.call('logs.list', { level: 'loud' })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
  server.close();
});

it('says that a host without settings has none', async () => {
  const { client } = open(new BridgeServer({ host: new ScriptedHost(), logger: silentLogger }));
  for (const [name, input] of [['settings.get', {}], ['apiKeys.list', {}], ['logs.list', {}], ['diagnostics.collect', {}], ['preferences.get', {}]] as const) {
    expect(await client.call(name, input)).toMatchObject({ ok: false, error: { code: 'API_UNSUPPORTED' } });
  }
});

it('dresses the page before it is shown', () => {
  const page = Buffer.from('<!doctype html>\n<html lang="en">\n<head>');
  expect(dressed(page, { theme: 'dark', density: 'compact', textSize: 'large', language: 'en' })).toContain('<html lang="en" data-theme="dark" data-density="compact" data-text-size="large">\n<head>');
});
