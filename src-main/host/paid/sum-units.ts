/** 1e-18 SUM, of an amount as the configuration has it ("0.5", at most 18 digits after the point). */
export function sumUnits(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  return BigInt(`${whole}${fraction.padEnd(18, '0')}`);
}
