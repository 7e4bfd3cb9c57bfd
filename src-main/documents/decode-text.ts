import { documentErrors } from './errors.ts';

const MARKS = [
  { encoding: 'utf-8', name: 'UTF-8', bytes: [0xef, 0xbb, 0xbf] },
  { encoding: 'utf-16le', name: 'UTF-16', bytes: [0xff, 0xfe] },
  { encoding: 'utf-16be', name: 'UTF-16', bytes: [0xfe, 0xff] },
] as const;

/** What no text holds: control characters but tab, line ends, form feed, and the escape that colours terminals. */
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f\u007f\ufffe\uffff]/u;

/** UTF-8, or what a byte order mark says (Unicode 16, section 23.8), and nothing that is not exactly that. Throws DOCUMENT_NOT_TEXT, DOCUMENT_BAD_ENCODING. */
export function decodeText(bytes: Uint8Array): string {
  const mark = MARKS.find((one) => one.bytes.every((byte, index) => bytes[index] === byte));
  // A file of bytes is told from a text in another encoding: what to do then differs.
  if (mark === undefined && bytes.includes(0)) throw documentErrors.notText({});
  const text = decoded(bytes, mark ?? MARKS[0]).replaceAll(/\r\n?/g, '\n');
  if (CONTROL.test(text)) throw documentErrors.notText({});
  return text;
}

function decoded(bytes: Uint8Array, { encoding, name }: Pick<(typeof MARKS)[number], 'encoding' | 'name'>): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw documentErrors.badEncoding({ encoding: name }, error);
  }
}
