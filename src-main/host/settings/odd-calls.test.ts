import fc from 'fast-check';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commands, type CommandName } from '../../../src-preload/bridge/index.ts';
import { BridgeServer } from '../../api/index.ts';
import { LogLines, silentLogger } from '../../base/index.ts';
import { fromSchema } from '../../../test/support/from-schema.ts';
import { ScriptedHost } from '../../../test/support/scripted-host.ts';
import { loadSettings } from '../config.ts';
import { appPaths } from '../paths.ts';
import { aboutService, apiKeyService, preferenceService, settingsService } from './index.ts';

const NAMES = (Object.keys(commands) as CommandName[]).filter((name) => /^(settings|preferences|apiKeys|about|logs)\./.test(name));

it('gives odd calls a result with a code, and keeps a configuration that can be started with', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-odd-settings-'));
  const host = Object.assign(new ScriptedHost(), {
    settings: settingsService(await loadSettings({ home }, {})), preferences: preferenceService(home), apiKeys: apiKeyService(home), about: aboutService(appPaths(), home), logs: new LogLines(),
  });
  const server = new BridgeServer({ host, logger: silentLogger, options: { callsPerSecond: 1e9, callBurst: 1e9 } });
  const client = server.connect(() => undefined);
  const calls = fc.sample(fc.oneof(...NAMES.map((name) => fc.tuple(fc.constant(name), fromSchema(commands[name].input)))), { numRuns: 600, seed: 20_26 });
  let taken = 0;
  for (const [name, input] of calls) {
    const result = await client.call(name, input);
    if (result.ok) {
      taken += 1;
      expect(commands[name].output.safeParse(result.value).success, name).toBe(true);
    } else expect(['API_BAD_REQUEST', ...commands[name].errors], `${name} ${JSON.stringify(input)}`).toContain(result.error.code);
  }
  expect(taken).toBeGreaterThan(100);
  const { config } = await loadSettings({ home }, {});
  expect(config.zone).toBe('local');
  expect(await readFile(join(home, 'preferences.json'), 'utf8').then(JSON.parse)).toHaveProperty('theme');
  server.close();
});
