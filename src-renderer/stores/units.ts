import { formatNumber, locale } from '../language/index.ts';

/** Digits after the point of one SUM, and of the chain's coin. */
export const DECIMALS = 18;
const ONE = 10n ** BigInt(DECIMALS);
/** So many fit in the bridge's amounts. */
const MOST_WHOLE_DIGITS = 60 - DECIMALS;
/** Shown where an amount is read at a glance. */
const SHORT_DIGITS = 4;

export interface ShownAmount {
  /** A few digits after the point, cut and never rounded up: nobody has more than is shown. */
  readonly short: string;
  /** Every digit. */
  readonly full: string;
}

/** The sign before the fraction, as the reader writes it. */
export const decimalPoint = (): string => new Intl.NumberFormat(locale()).formatToParts(1.5).find(({ type }) => type === 'decimal')?.value ?? '.';

/** 1e-18 in decimal digits, exactly: whole and fraction are never one JavaScript number. */
export function formatUnits(units: string | bigint, digits = SHORT_DIGITS): ShownAmount {
  const value = BigInt(units);
  const fraction = (value % ONE).toString().padStart(DECIMALS, '0');
  const whole = formatNumber(value / ONE);
  const joined = (digits: string): string => {
    const told = digits.replace(/0+$/, '');
    return told === '' ? whole : `${whole}${decimalPoint()}${told}`;
  };
  const full = joined(fraction);
  const isTiny = value > 0n && value < ONE / 10n ** BigInt(digits);
  return { short: isTiny ? `< 0${decimalPoint()}${'1'.padStart(digits, '0')}` : joined(fraction.slice(0, digits)), full };
}

/** How it is typed: every digit, no separators of thousands. */
export function typedUnits(units: string | bigint): string {
  const value = BigInt(units);
  const fraction = (value % ONE).toString().padStart(DECIMALS, '0').replace(/0+$/, '');
  return fraction === '' ? String(value / ONE) : `${value / ONE}${decimalPoint()}${fraction}`;
}

export type AmountFault = 'empty' | 'malformed' | 'decimals' | 'zero' | 'large';
export type ParsedAmount = { readonly units: bigint } | { readonly fault: AmountFault };

/** What the reader typed. Only the reader's own decimal sign counts: taking the other one could mean a thousand times as much. */
export function parseUnits(text: string): ParsedAmount {
  const trimmed = text.trim();
  if (trimmed === '') return { fault: 'empty' };
  const [whole = '', fraction = '', ...more] = trimmed.split(decimalPoint());
  if (more.length > 0 || whole + fraction === '' || !/^\d*$/.test(whole) || !/^\d*$/.test(fraction)) return { fault: 'malformed' };
  if (fraction.length > DECIMALS) return { fault: 'decimals' };
  if (whole.replace(/^0+/, '').length > MOST_WHOLE_DIGITS) return { fault: 'large' };
  const units = BigInt(whole === '' ? '0' : whole) * ONE + BigInt(fraction.padEnd(DECIMALS, '0'));
  return units === 0n ? { fault: 'zero' } : { units };
}

/** Where it lies in a drawing; no figure that is read. */
export const drawn = (units: string): number => Number(BigInt(units) / 10n ** 9n) / 1e9;

/** How much of a whole, in thousandths, for a drawing. */
export const shareOf = (part: bigint, whole: bigint): number => (whole === 0n ? 0 : Number((part * 1_000n) / whole) / 1_000);
