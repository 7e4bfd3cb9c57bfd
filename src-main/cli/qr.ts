import { encode } from 'uqr';

/** White on black is read by few scanners: the colours are set, whatever the terminal's are. */
const [COLOURS, RESET] = ['\u001b[30;107m', '\u001b[0m'];
const BORDER = 2;

/**
 * A QR code as lines of half blocks, two rows in each; scanners take upper case for the same link, and need fewer dots for it.
 * With `colours` for a terminal; without, dark dots are blocks, for a light ground.
 */
export function qrText(text: string, { colours }: { readonly colours: boolean }): string {
  const { data, size } = encode(text.toUpperCase(), { ecc: 'L', border: BORDER });
  const isDark = (x: number, y: number): boolean => data[y]?.[x] ?? false;
  const half = (x: number, y: number): string => {
    if (isDark(x, y)) return isDark(x, y + 1) ? '█' : '▀';
    return isDark(x, y + 1) ? '▄' : ' ';
  };
  const lines: string[] = [];
  for (let y = 0; y < size; y += 2) {
    const line = Array.from({ length: size }, (_, x) => half(x, y)).join('');
    lines.push(colours ? `${COLOURS}${line}${RESET}` : line);
  }
  return `${lines.join('\n')}\n`;
}
