import { InvalidArgumentError } from 'commander';

const DECIMALS = 18;

/** `1000`, `0.5`: SUM as units of 1e-18, decimal text. */
export const sumAmount = (text: string): string => {
  const match = /^(\d{1,12})(?:\.(\d{1,18}))?$/.exec(text.trim());
  const units = BigInt(match?.[1] ?? 0) * 10n ** BigInt(DECIMALS) + BigInt((match?.[2] ?? '').padEnd(DECIMALS, '0'));
  if (match === null || units === 0n) throw new InvalidArgumentError('An amount of SUM is wanted, for instance 1000 or 0.5.');
  return units.toString();
};

/** Exact; digits in groups, no zeros behind. */
export function sumText(units: string): string {
  const digits = units.padStart(DECIMALS + 1, '0');
  const whole = digits.slice(0, -DECIMALS).replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = digits.slice(-DECIMALS).replace(/0+$/, '');
  return rest === '' ? whole : `${whole}.${rest}`;
}
