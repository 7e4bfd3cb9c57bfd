import type { SettingKey, SettingValue } from '../../src-preload/bridge/index.ts';
import type { Texts } from '../language/index.ts';
import { decimalPoint } from './units.ts';

export type FieldKind =
  | { readonly kind: 'text' }
  | { readonly kind: 'switch' }
  /** One a line. */
  | { readonly kind: 'list' }
  | { readonly kind: 'choice'; readonly options: ReadonlyArray<keyof Texts['choices']> }
  /** Shown in units of so many; whole numbers of 1 unit. */
  | { readonly kind: 'number'; readonly unit: number }
  /** Digits of any length: never a JavaScript number. */
  | { readonly kind: 'amount' };

const text = { kind: 'text' } as const;
const list = { kind: 'list' } as const;
const isOn = { kind: 'switch' } as const;
const number = { kind: 'number', unit: 1 } as const;
const amount = { kind: 'amount' } as const;

/** How each setting is written. What it may be is for the host to say. */
export const FIELD_KINDS: Readonly<Record<SettingKey, FieldKind>> = {
  name: text, chatOver: { kind: 'choice', options: ['auto', 'this-machine', 'mesh'] }, contextTokens: number, threads: number, gpuLayers: number, logLevel: { kind: 'choice', options: ['debug', 'info', 'warn', 'error', 'silent'] },
  zone: { kind: 'choice', options: ['local', 'private', 'public'] }, listen: list, mdns: isOn, peers: list, relays: list, relay: isOn, portMapping: { kind: 'choice', options: ['off', 'upnp', 'nat-pmp'] }, fetchLayersFor: { kind: 'choice', options: ['nobody', 'local', 'anybody'] },
  storeQuotaBytes: { kind: 'number', unit: 1e9 }, uploadBytesPerSecond: { kind: 'number', unit: 1e6 }, shareStore: isOn, bitswap: isOn, hubUrl: text,
  httpPort: number, apiOrigins: list, embeddingModel: text,
  payPrice: amount, payUpTo: amount,
};

/** A value as it stands in its field; empty for none. */
export function writtenOf(key: SettingKey, value: SettingValue | null): string {
  const field = FIELD_KINDS[key];
  if (value === null) return '';
  if (Array.isArray(value)) return value.join('\n');
  if (field.kind === 'amount') return String(value).replace('.', decimalPoint());
  return field.kind === 'number' && typeof value === 'number' ? String(value / field.unit) : String(value);
}

/** What a field says; null when it is empty, which takes the setting out of the file. A number that is none stays a text, and the host refuses it. */
export function valueOf(key: SettingKey, written: string): SettingValue | null {
  const field = FIELD_KINDS[key];
  const trimmed = written.trim();
  if (field.kind === 'switch') return trimmed === 'true';
  if (field.kind === 'list') return trimmed === '' ? null : trimmed.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  if (trimmed === '') return null;
  // The reader's own decimal sign alone: the other one could mean a thousand times as much.
  if (field.kind === 'amount') return trimmed.replace(decimalPoint(), '.');
  if (field.kind !== 'number') return trimmed;
  const value = Number(trimmed.replace(',', '.'));
  if (!Number.isFinite(value)) return trimmed;
  return field.unit === 1 ? value : Math.round(value * field.unit);
}
