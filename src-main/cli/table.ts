/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumeric = head.map((_, column) => rows.length > 0 && rows.every((row) => /^([-\d.,]+( ?(ms|us|MB|KB|B|%))?|-)$/.test(row[column] ?? '')));
  const line = (row: readonly string[]): string => row.map((cell, i) => (isNumeric[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ').trimEnd();
  return all.map(line).join('\n');
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
