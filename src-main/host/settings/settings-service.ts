import { stat } from 'node:fs/promises';
import { FIXED_SETTINGS, SETTING_KEYS, type Setting, type SettingChanges, type SettingKey, type SettingsPage, type SettingValue } from '../../../src-preload/bridge/index.ts';
import type { SettingsService } from '../../api/index.ts';
import { updateConfigFile } from '../config-file.ts';
import { configPath, loadSettings, readConfigFile, type ConfigSource, type HostConfig, type Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';

/** The configuration's file for the page of a running host: what it runs with, and what the next start will. */
export function settingsService(started: Settings): SettingsService {
  const { config: { home } } = started;
  const get = (): Promise<SettingsPage> => readSettings(started);
  return {
    get,
    set: async ({ changes }) => {
      const fixed = FIXED_SETTINGS.find((key) => changes[key] !== undefined);
      if (fixed !== undefined) throw hostErrors.settingFixed({ key: fixed });
      await checkFolder(home, changes.embeddingModel);
      await updateConfigFile(home, (source) => changed(source, changes));
      return get();
    },
  };
}

function changed(source: ConfigSource, changes: SettingChanges): ConfigSource {
  const gone = new Set(Object.entries(changes).filter(([, value]) => value === null).map(([key]) => key));
  return Object.fromEntries(Object.entries({ ...source, ...changes }).filter(([key]) => !gone.has(key)));
}

// The schema takes any text: whether there is a folder is known only here.
async function checkFolder(home: string, folder: SettingValue | null | undefined): Promise<void> {
  if (typeof folder !== 'string' || folder === '') return;
  const isFolder = await stat(folder).then((found) => found.isDirectory(), () => false);
  if (!isFolder) throw hostErrors.badConfig({ source: configPath(home), field: 'embeddingModel', reason: 'is no folder on this machine' });
}

async function readSettings({ config: running, overrides = {} }: Settings): Promise<SettingsPage> {
  const { home } = running;
  const given = Object.fromEntries(Object.keys(overrides).map((key) => [key, (running as Readonly<Record<string, unknown>>)[key]]));
  const [file, { config: next }, { config: bare }] = [await readConfigFile(configPath(home)), await loadSettings({ ...given, home }, {}), await loadSettings({ home: `${home}/none` }, {})];
  const sourceOf = (key: SettingKey): Setting['source'] => overrides[key] ?? (file[key] === undefined ? 'default' : 'file');
  const of = (config: HostConfig, key: SettingKey): SettingValue | null => config[key] ?? null;
  return {
    settings: SETTING_KEYS.map((key) => ({
      key, value: of(next, key), fallback: of(bare, key), source: sourceOf(key), needsRestart: JSON.stringify(of(next, key)) !== JSON.stringify(of(running, key)),
    })),
  };
}
