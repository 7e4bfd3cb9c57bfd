import { InvalidArgumentError } from 'commander';

/** Parsers for option values: commander prints their message beside the option's name and exits with 2. */

export const integer = (min: number, max: number) => (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw new InvalidArgumentError(`A whole number from ${min} to ${max} is wanted.`);
  return value;
};

export const address = (text: string): `0x${string}` => {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw new InvalidArgumentError('An account is wanted: 0x and 40 hex digits.');
  return text as `0x${string}`;
};

/** Rows, or how they follow what is measured. */
export const batchTokens = (text: string): number | 'fair' | 'auto' => (text === 'fair' || text === 'auto' ? text : integer(1, 4096)(text));

export const decimal = (min: number, max: number) => (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) throw new InvalidArgumentError(`A number from ${min} to ${max} is wanted.`);
  return value;
};

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** `20GB`, `1.5t`, `0`: in bytes. */
export const byteSize = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim());
  const value = Math.floor(Number(match?.[1]) * (UNITS[(match?.[2] ?? '').toLowerCase()] ?? 1));
  if (match === null || !Number.isSafeInteger(value)) throw new InvalidArgumentError('A size is wanted, for instance 20GB.');
  return value;
};

const DURATIONS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** `30m`, `1d`: in ms. */
export const duration = (maxMs: number) => (text: string): number => {
  const match = /^(\d{1,6})([smhd])$/.exec(text.trim());
  const value = Number(match?.[1]) * (DURATIONS[match?.[2] ?? ''] ?? 0);
  if (match === null || value === 0 || value > maxMs) throw new InvalidArgumentError(`A time is wanted, for instance 30m, 12h or 1d, up to ${maxMs / 86_400e3}d.`);
  return value;
};

/** For options that may be given several times. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

export const layerRange = (text: string): { first: number; last: number } => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || first > last) throw new InvalidArgumentError('Write the range as FIRST-LAST, for instance 0-3.');
  return { first, last };
};

export const cutPoints = (text: string): readonly number[] => {
  const cuts = text.split(',').map(Number);
  const isRising = cuts.every((cut, i) => Number.isInteger(cut) && cut > (cuts[i - 1] ?? 0));
  if (!isRising) throw new InvalidArgumentError('Write the first layer of each shard but the first, rising: for instance 3,6.');
  return cuts;
};

export const oneOf = <T extends string>(allowed: readonly T[]) => (text: string): T => {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw new InvalidArgumentError(`One of ${allowed.join(', ')} is wanted.`);
  return found;
};
