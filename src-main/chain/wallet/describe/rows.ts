import { formatUnits, hexToBytes } from 'viem';
import { decodeFault } from '../../settle/fault-proof.ts';
import type { ChainNetwork, Hex } from '../../types.ts';
import { walletErrors } from '../errors.ts';
import type { Note, Row } from '../types.ts';

const MAX_ROWS = 200;
const MAX_DEPTH = 12;
const MAX_VALUE_CHARS = 4_000;

/** Nothing in a text may hide, or turn around, what stands beside it. */
export const legible = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);

/** Bytes as the words that they are; undefined for none. Anybody may have written them: nothing in them hides or moves what stands around. */
export function wordsIn(bytes: Hex): string | undefined {
  try {
    return legible(new TextDecoder('utf-8', { fatal: true }).decode(hexToBytes(bytes)));
  } catch {
    return undefined;
  }
}

/** What bytes of our contracts' calls may be: words, or a proof of a fault. */
export type BytesAs = 'text' | 'fault';

function noteOn(bytes: Hex, as: BytesAs): Note | undefined {
  if (as === 'fault') return { kind: 'fault', ...decodeFault(bytes) };
  const text = wordsIn(bytes);
  return text === undefined ? undefined : { kind: 'text', text };
}

export const isSame = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

/** Whose values are shown. */
export interface Viewer {
  readonly network: ChainNetwork;
  readonly own: Hex;
}

/** One of ours by its address. */
export const contractAt = ({ contracts }: ChainNetwork, address: string): string | undefined => Object.entries(contracts).find(([, own]) => isSame(own, address))?.[0];

/** The lines of a value; what is too much to be read cannot be signed. Throws WALLET_TOO_MUCH. */
export class RowList {
  readonly #viewer: Viewer;
  readonly #rows: Row[] = [];

  constructor(viewer: Viewer) {
    this.#viewer = viewer;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** `isSum`: numbers in it are amounts of SUM; `as`: what its bytes are. */
  add({ name, type, value, isSum = false, as }: { readonly name: string; readonly type: string; readonly value: unknown; readonly isSum?: boolean; readonly as?: BytesAs | undefined }, depth = 0): void {
    if (depth > MAX_DEPTH) throw walletErrors.tooMuch({ what: 'values in each other', limit: MAX_DEPTH });
    if (typeof value === 'object' && value !== null) return this.#addParts({ name, type, value, isSum }, depth);
    if (this.#rows.length >= MAX_ROWS) throw walletErrors.tooMuch({ what: 'values to show', limit: MAX_ROWS });
    const text = legible(String(value));
    if (text.length > MAX_VALUE_CHARS) throw walletErrors.tooMuch({ what: 'characters of a value to show', limit: MAX_VALUE_CHARS });
    const note = as !== undefined ? noteOn(text as Hex, as) : this.#noteOf(text, isSum && typeof value === 'bigint' ? value : undefined);
    this.#rows.push({ name: legible(name), type: legible(type), value: text, ...(note === undefined ? {} : { note }) });
  }

  #addParts({ name, type, value, isSum }: { readonly name: string; readonly type: string; readonly value: object; readonly isSum: boolean }, depth: number): void {
    const isList = Array.isArray(value);
    const parts = Object.entries(value);
    if (parts.length === 0) return this.add({ name, type, value: isList ? '[]' : '{}' }, depth);
    for (const [key, part] of parts) this.add({ name: isList ? `${name}[${key}]` : `${name}.${key}`, type: isList ? type.replace(/\[\d*\]$/, '') : '', value: part as unknown, isSum }, depth + 1);
  }

  #noteOf(text: string, sum: bigint | undefined): Note | undefined {
    if (sum !== undefined) return { kind: 'sum', amount: formatUnits(sum, 18) };
    if (isSame(text, this.#viewer.own)) return { kind: 'own' };
    const name = /^0x[0-9a-fA-F]{40}$/.test(text) ? contractAt(this.#viewer.network, text) : undefined;
    return name === undefined ? undefined : { kind: 'contract', name };
  }
}
