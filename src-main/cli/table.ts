/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumeric = head.map((_, column) => rows.length > 0 && rows.every((row) => /^([-\d.,]+( ?(ms|us|MB|KB|B|%))?|-)$/.test(row[column] ?? '')));
  const line = (row: readonly string[]): string => row.map((cell, i) => (isNumeric[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ').trimEnd();
  return all.map(line).join('\n');
}

/** As a table where that fits `width` characters; else each row as a paragraph: its first two cells, then what the others say, with their heads. A dash says nothing. */
export function fitted(head: readonly string[], rows: readonly (readonly string[])[], width = Infinity): string {
  const whole = table(head, rows);
  if (whole.split('\n').every((line) => line.length <= width)) return whole;
  return rows.map((row) => {
    const told = row.map((cell, column) => ({ cell, column })).filter(({ cell, column }) => column > 1 && cell !== '-').map(({ cell, column }) => `${head[column] ?? ''}: ${cell}`);
    return [row.slice(0, 2).filter((cell) => cell !== '-').join('  '), ...wrapped(told, width - 2).map((line) => `  ${line}`)].join('\n');
  }).join('\n');
}

/** As many parts in a line as have room. */
function wrapped(parts: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''} | ${part}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

export const milliseconds = (ms: number | null | undefined, digits = 2): string => (ms === null || ms === undefined ? '-' : `${ms.toFixed(digits)} ms`);
export const percent = (share: number | undefined): string => (share === undefined ? '-' : `${(share * 100).toFixed(1)} %`);
export const bytes = (size: number | undefined): string => {
  if (size === undefined) return '-';
  if (size < 10_000) return `${size} B`;
  return size < 10_000_000 ? `${(size / 1000).toFixed(1)} KB` : `${(size / 1e6).toFixed(1)} MB`;
};
/** The end of a peer id tells peers apart; its start is the same for all. */
export const shortPeer = (peerId: string): string => (peerId.length > 12 ? `...${peerId.slice(-8)}` : peerId);
