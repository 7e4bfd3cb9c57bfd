import { encode } from 'uqr';

/** Scanners need a light edge; the standard asks for four dots, two do in practice. */
const BORDER = 2;

/** A QR code as rows of `1` (dark) and `0`, as many as each is long. Upper case is the same link, and takes fewer dots (ISO/IEC 18004, alphanumeric mode). */
export function qrRows(link: string): readonly string[] {
  const { data } = encode(link.toUpperCase(), { ecc: 'L', border: BORDER });
  return data.map((row) => row.map((isDark) => (isDark ? '1' : '0')).join(''));
}
