import { hexToBytes } from 'viem';
import type { Hex } from '../../types.ts';
import type { MessageSubject } from '../types.ts';
import { legible, type Viewer } from './rows.ts';

/** A message of personal_sign (EIP-191). One that is no readable text is a warning: a hash can stand for anything. */
export function describeMessage(bytes: Hex, { network: { kind, chainId, name }, own }: Viewer): MessageSubject {
  const text = readable(hexToBytes(bytes));
  return { kind: 'message', chain: { kind, chainId, name }, from: own, bytes, spends: 0n, ...(text === undefined ? { warnings: ['unreadable-message'] } : { text, warnings: [] }) };
}

function readable(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.trim() === '' || legible(text.replace(/[\n\r\t]/g, '')) !== text.replace(/[\n\r\t]/g, '') ? undefined : text;
  } catch {
    return undefined;
  }
}
