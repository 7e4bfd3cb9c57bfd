import { keccak256, toHex, zeroHash } from 'viem';
import type { LayerRange, PeerId } from '../../base/index.ts';
import { layerCount } from '../../base/index.ts';
import type { Bill, Hex } from '../../chain/index.ts';
import { PRICE_TOKENS } from './options.ts';

/** What a payer and one node of a session agreed on. */
export interface Terms {
  readonly sessionId: Hex;
  readonly workId: Hex;
  readonly nodeId: Hex;
  readonly layers: LayerRange;
  /** 1e-18 SUM for 1,000 tokens of one layer. */
  readonly price: bigint;
  /** 1e-18 SUM that were put aside for the node. */
  readonly cap: bigint;
}

export interface Counted {
  readonly tokens: number;
  readonly receiptsRoot?: Hex;
}

/** What so many tokens cost; never more than was put aside. */
export const amountOf = ({ layers, price, cap }: Pick<Terms, 'layers' | 'price' | 'cap'>, tokens: number): bigint => {
  const amount = (price * BigInt(layerCount(layers)) * BigInt(tokens)) / PRICE_TOKENS;
  return amount < cap ? amount : cap;
};

/** Tokens that what was put aside pays for. */
export function tokensIn({ layers, price, cap }: Pick<Terms, 'layers' | 'price' | 'cap'>): number {
  const each = price * BigInt(layerCount(layers));
  const tokens = each === 0n ? BigInt(Number.MAX_SAFE_INTEGER) : (cap * PRICE_TOKENS) / each;
  return Number(tokens < BigInt(Number.MAX_SAFE_INTEGER) ? tokens : BigInt(Number.MAX_SAFE_INTEGER));
}

/** All of a bill follows from the terms and what was counted, so that nothing else is sent. */
export const billOf = (terms: Terms, { tokens, receiptsRoot = zeroHash }: Counted): Bill => ({
  sessionId: terms.sessionId, workId: terms.workId, nodeId: terms.nodeId, firstLayer: terms.layers.first, lastLayer: terms.layers.last,
  tokens: BigInt(tokens), amount: amountOf(terms, tokens), receiptsRoot,
});

/** In the first voucher's bills, in place of receipts: who signs it says from which peer the work is asked for. */
export const payerMark = (peer: PeerId): Hex => keccak256(toHex(`omninode/payer/1\0${peer}`));
