interface PdfInit {
  /** One page each; an empty one has nothing written on it. */
  readonly pages: readonly string[];
  /** As if a password were needed to open it. */
  readonly isEncrypted?: boolean;
}

/** A PDF of the smallest kind (ISO 32000-1, annex H.3): lines of Latin text in Helvetica. */
export function makePdf({ pages, isEncrypted = false }: PdfInit): Uint8Array<ArrayBuffer> {
  const first = 4;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${pages.map((_, index) => `${first + 2 * index} 0 R`).join(' ')}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...pages.flatMap((text, index) => [pageObject(first + 2 * index + 1), stream(linesOf(text))]),
    ...(isEncrypted ? [`<< /Filter /Standard /V 1 /R 2 /O <${'28'.repeat(32)}> /U <${'5a'.repeat(32)}> /P -4 >>`] : []),
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const locked = isEncrypted ? ` /Encrypt ${objects.length} 0 R /ID [<01> <01>]` : '';
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${locked} >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Uint8Array.from(Buffer.from(`${file}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}${trailer}`, 'latin1'));
}

const pageObject = (contents: number): string => `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${contents} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`;
const stream = (body: string): string => `<< /Length ${body.length} >>\nstream\n${body}\nendstream`;
const escaped = (line: string): string => line.replaceAll(/[\\()]/g, '\\$&');

function linesOf(text: string): string {
  if (text === '') return '0 0 100 100 re f';
  return `BT /F1 11 Tf 14 TL 72 720 Td ${text.split('\n').map((line) => `(${escaped(line)}) Tj T*`).join(' ')} ET`;
}
