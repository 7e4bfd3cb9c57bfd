import { bytesToHex, stringToBytes } from 'viem';
import type { Hex } from '../types.ts';
import { wordsIn } from '../wallet/describe/rows.ts';
import { committeeErrors } from './errors.ts';

/** The contract's limit. */
export const MAX_EVIDENCE_BYTES = 1024;

/** UTF-8. Throws COMMITTEE_EVIDENCE_TOO_LONG. */
export function evidenceBytes(text: string): Hex {
  const bytes = stringToBytes(text);
  if (bytes.length > MAX_EVIDENCE_BYTES) throw committeeErrors.evidenceTooLong({ sizeBytes: bytes.length, limitBytes: MAX_EVIDENCE_BYTES });
  return bytesToHex(bytes);
}

/** As it came where it is no text. */
export const evidenceText = (bytes: Hex): string => wordsIn(bytes) ?? bytes;
