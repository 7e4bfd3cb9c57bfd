import { z } from 'zod';
import { text } from './primitives.ts';

/** What an owner sees of the node's configuration. None of them is a secret. */
export const SETTING_KEYS = [
  'name', 'chatOver', 'contextTokens', 'threads', 'gpuLayers', 'logLevel',
  'zone', 'listen', 'mdns', 'peers', 'relays', 'relay', 'portMapping', 'fetchLayersFor',
  'storeQuotaBytes', 'uploadBytesPerSecond', 'shareStore', 'bitswap', 'hubUrl',
  'httpPort', 'apiOrigins', 'embeddingModel',
  'payPrice', 'payUpTo',
] as const;
export type SettingKey = (typeof SETTING_KEYS)[number];
/** Shown only: changing the zone takes a key or an invitation, and may leave everybody behind. */
export const FIXED_SETTINGS: readonly SettingKey[] = ['zone'];

export const settingKeySchema = z.enum(SETTING_KEYS);
export const settingValueSchema = z.union([text, z.number(), z.boolean(), z.array(z.string().max(500)).max(64).readonly()]);
export type SettingValue = z.infer<typeof settingValueSchema>;

export const settingSchema = z.object({
  key: settingKeySchema,
  /** As the next start will have it; null: it has none, the node chooses. */
  value: settingValueSchema.nullable(),
  /** Without a word of its owner. */
  fallback: settingValueSchema.nullable(),
  /** Where it is said; in the environment or on the command line it wins over the file. */
  source: z.enum(['default', 'file', 'environment', 'command line']),
  /** The node goes by another value until it is started again, or its model is loaded anew; absent where this one counts. */
  waitsFor: z.enum(['restart', 'model']).exactOptional(),
});
export type Setting = z.infer<typeof settingSchema>;

export const settingsSchema = z.object({ settings: z.array(settingSchema).max(SETTING_KEYS.length).readonly() });
export type SettingsPage = z.infer<typeof settingsSchema>;

/** Null takes it out of the file. */
export const settingChangesSchema = z.partialRecord(settingKeySchema, settingValueSchema.nullable());
export type SettingChanges = z.infer<typeof settingChangesSchema>;

/** How the page looks; kept by the host, so that every browser of the owner has the same. */
export const preferencesSchema = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  density: z.enum(['comfortable', 'compact']),
  textSize: z.enum(['small', 'normal', 'large', 'largest']),
  /** A code like `en`. */
  language: z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/).max(20),
});
export type Preferences = z.infer<typeof preferencesSchema>;
export const DEFAULT_PREFERENCES: Preferences = { theme: 'system', density: 'comfortable', textSize: 'normal', language: 'en' };
export const preferenceChangeSchema = z.strictObject({
  theme: preferencesSchema.shape.theme.exactOptional(), density: preferencesSchema.shape.density.exactOptional(),
  textSize: preferencesSchema.shape.textSize.exactOptional(), language: preferencesSchema.shape.language.exactOptional(),
});
export type PreferenceChange = z.infer<typeof preferenceChangeSchema>;

export const API_SCOPES = ['chat', 'embeddings', 'models', 'metrics', 'admin'] as const;
const keyId = z.string().regex(/^[0-9a-f]{12}$/);
/** A key as its owner may see it again. */
export const apiKeySchema = z.object({
  id: keyId, name: z.string().max(100), scopes: z.array(z.enum(API_SCOPES)).max(API_SCOPES.length).readonly(),
  perMinute: z.number().int().min(1).max(100_000), createdAtMs: z.number().int().min(0),
});
export type ApiKey = z.infer<typeof apiKeySchema>;
export const newApiKeySchema = z.strictObject({
  name: z.string().trim().max(100).default(''), scopes: z.array(z.enum(API_SCOPES)).min(1).max(API_SCOPES.length).readonly(),
  perMinute: z.number().int().min(1).max(100_000).default(600),
});
export const apiKeyIdSchema = keyId;

const part = z.string().max(200);
export const aboutSchema = z.object({
  version: part, licence: part,
  /** Libraries that it is made with. */
  parts: z.array(z.object({ name: part, version: part, licence: part })).max(200).readonly(),
  dataFolder: z.string().max(500),
  /** Documents that lie beside the program, for `about.document`. */
  documents: z.array(z.object({ id: z.string().max(100), title: part })).max(50).readonly(),
});
export type About = z.infer<typeof aboutSchema>;
export const documentIdSchema = z.string().min(1).max(100);
export const documentSchema = z.object({ title: part, text: z.string().max(400_000) });
