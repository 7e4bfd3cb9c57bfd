import { z } from 'zod';
import { command, nothing } from './command.ts';
import { diagnosticsSchema, logPageSchema, logQuerySchema } from './logs.ts';
import { aboutSchema, apiKeyIdSchema, apiKeySchema, documentIdSchema, documentSchema, newApiKeySchema, preferenceChangeSchema, preferencesSchema, settingChangesSchema, settingsSchema } from './settings.ts';

const KEYS = ['API_KEYS_UNREADABLE'] as const;

/** The owner's side of a node: how it is configured and looks, who may use it, what it logs. */
export const settingsCommands = {
  'settings.get': command(nothing, settingsSchema, ['HOST_BAD_CONFIG']),
  /** All or none: a value that the configuration would not take changes nothing, and its key is the error's `meta.field`. */
  'settings.set': command(z.strictObject({ changes: settingChangesSchema }), settingsSchema, ['HOST_BAD_CONFIG', 'HOST_SETTING_FIXED']),
  'preferences.get': command(nothing, preferencesSchema),
  'preferences.set': command(z.strictObject({ change: preferenceChangeSchema }), preferencesSchema),
  'apiKeys.list': command(nothing, z.object({ keys: z.array(apiKeySchema).max(1_000).readonly() }), KEYS),
  /** `text` is the key: it is in this one reply and nowhere else. */
  'apiKeys.create': command(newApiKeySchema, z.object({ key: apiKeySchema, text: z.string().max(200) }), [...KEYS, 'API_TOO_MANY_KEYS']),
  'apiKeys.remove': command(z.strictObject({ id: apiKeyIdSchema }), nothing, [...KEYS, 'API_NO_SUCH_KEY']),
  'about.get': command(nothing, aboutSchema),
  'about.document': command(z.strictObject({ id: documentIdSchema }), documentSchema, ['HOST_NO_DOCUMENT']),
  'logs.list': command(logQuerySchema, logPageSchema),
  /** While it is on, this client hears of new lines as `logs.added`. */
  'logs.follow': command(z.strictObject({ isOn: z.boolean() }), nothing),
  /** Looks around first, which takes some seconds. */
  'diagnostics.collect': command(nothing, diagnosticsSchema),
} as const;
