import type { SettingKey } from '../../../src-preload/bridge/index.ts';
import type { ConfigSource, HostConfig } from '../config.ts';

/** Count at once. */
const AT_ONCE: readonly SettingKey[] = ['name', 'shareStore', 'uploadBytesPerSecond', 'logLevel'];
/** Count when the model is loaded the next time. */
const AT_LOAD = ['chatOver', 'contextTokens', 'threads', 'gpuLayers', 'payUpTo'] as const satisfies readonly SettingKey[];

/** What of a host goes by a change while it runs. */
export interface RunningSettings {
  /** What counts now. */
  readonly config: () => HostConfig;
  /** What the model was loaded with; undefined while none is there. */
  readonly loaded: () => HostConfig | undefined;
  /** Goes by new values of these keys; undefined: the default. */
  readonly adopt: (keys: ConfigSource) => Promise<unknown>;
}

export const isLive = (key: SettingKey): boolean => AT_ONCE.includes(key) || isOfModel(key);
const isOfModel = (key: SettingKey): boolean => (AT_LOAD as readonly SettingKey[]).includes(key);

export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Whether the model was loaded with what does not count any more. */
export const isOutdated = (loaded: HostConfig, now: HostConfig): boolean => AT_LOAD.some((key) => !isSame(loaded[key], now[key]));

/** What a value waits for until it counts; undefined: it does. */
export function waitsFor(key: SettingKey, next: HostConfig, { started, running }: { readonly started: HostConfig; readonly running: RunningSettings | undefined }): 'restart' | 'model' | undefined {
  const counts = isLive(key) ? running?.config() ?? started : started;
  if (!isSame(next[key], counts[key])) return 'restart';
  const loaded = isOfModel(key) ? running?.loaded() : undefined;
  return loaded === undefined || isSame(next[key], loaded[key]) ? undefined : 'model';
}
