/** White on black is read by few scanners: the colours are set, whatever the terminal's are. */
const [COLOURS, RESET] = ['\u001b[30;107m', '\u001b[0m'];
const HALVES: Readonly<Record<string, string>> = { '00': ' ', '10': '▀', '01': '▄', '11': '█' };

/** A QR code as lines of half blocks, two rows in each. `colours`: for a terminal; without, for a light ground. */
export function qrText(rows: readonly string[], { colours }: { readonly colours: boolean }): string {
  const lines: string[] = [];
  for (let y = 0; y < rows.length; y += 2) {
    const line = [...(rows[y] ?? '')].map((dot, x) => HALVES[`${dot}${rows[y + 1]?.[x] ?? '0'}`] ?? ' ').join('');
    lines.push(colours ? `${COLOURS}${line}${RESET}` : line);
  }
  return `${lines.join('\n')}\n`;
}
