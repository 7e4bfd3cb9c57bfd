/** What language files make of the values of errors. */

/** An error lacks a value that its text needs, or has it in another form: it is told in the node's own words. */
export class MissingValue extends Error {}

/** SUM, of its smallest units (10^-18) in decimal digits; what is less than a millionth is left out. */
export function sumOf(units: string): number {
  if (!/^\d{1,78}$/.test(units)) throw new MissingValue('units');
  return Number(BigInt(units) / 10n ** 12n) / 1e6;
}
