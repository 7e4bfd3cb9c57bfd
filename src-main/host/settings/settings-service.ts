import { stat } from 'node:fs/promises';
import { FIXED_SETTINGS, SETTING_KEYS, type Setting, type SettingChanges, type SettingKey, type SettingsPage, type SettingValue } from '../../../src-preload/bridge/index.ts';
import type { SettingsService } from '../../api/index.ts';
import { updateConfigFile } from '../config-file.ts';
import { configPath, loadSettings, readConfigFile, type ConfigSource, type HostConfig, type Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { isLive, waitsFor, type RunningSettings } from './live-settings.ts';

/** The configuration's file for the page of a running host: what it runs with, and what the next start will. Without `running` all of it waits for that. */
export function settingsService(started: Settings, running?: RunningSettings): SettingsService {
  const { config: { home }, overrides = {} } = started;
  const get = (): Promise<SettingsPage> => readSettings(started, running);
  return {
    get,
    set: async ({ changes }) => {
      const fixed = FIXED_SETTINGS.find((key) => changes[key] !== undefined);
      if (fixed !== undefined) throw hostErrors.settingFixed({ key: fixed });
      await checkFolder(home, changes.embeddingModel);
      await updateConfigFile(home, (source) => changed(source, changes));
      // What wins over the file counts further.
      const live = Object.entries(changes).filter(([key]) => isLive(key as SettingKey) && overrides[key] === undefined);
      if (live.length > 0) await running?.adopt(Object.fromEntries(live.map(([key, value]) => [key, value ?? undefined])));
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

async function readSettings({ config: started, overrides = {} }: Settings, running: RunningSettings | undefined): Promise<SettingsPage> {
  const { home } = started;
  const given = Object.fromEntries(Object.keys(overrides).map((key) => [key, (started as Readonly<Record<string, unknown>>)[key]]));
  const [file, { config: next }, { config: bare }] = [await readConfigFile(configPath(home)), await loadSettings({ ...given, home }, {}), await loadSettings({ home: `${home}/none` }, {})];
  const sourceOf = (key: SettingKey): Setting['source'] => overrides[key] ?? (file[key] === undefined ? 'default' : 'file');
  const of = (config: HostConfig, key: SettingKey): SettingValue | null => config[key] ?? null;
  return {
    settings: SETTING_KEYS.map((key) => {
      const wait = waitsFor(key, next, { started, running });
      return { key, value: of(next, key), fallback: of(bare, key), source: sourceOf(key), ...(wait === undefined ? {} : { waitsFor: wait }) };
    }),
  };
}
