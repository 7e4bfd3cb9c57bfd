import { concatHex, keccak256, recoverTypedDataAddress } from 'viem';
import { billHash, leafOf, merklePath, merkleTree, voucherTypedData, type Bill, type Hex, type SettlementPlace } from '../../chain/index.ts';
import { payErrors } from './errors.ts';
import { billOf, type Terms } from './terms.ts';
import type { VoucherPart } from './wire.ts';

/** A tree over the bills of all nodes of a session, and the way to each of them. */
export function voucherTree(bills: readonly Bill[], place: SettlementPlace): { readonly root: Hex; readonly paths: readonly (readonly Hex[])[] } {
  const tree = merkleTree(bills.map((bill) => leafOf(billHash(bill, place))));
  return { root: tree.root, paths: bills.map((_, index) => merklePath(tree, index)) };
}

/** As OpenZeppelin's MerkleProof. */
export const isInTree = (leaf: Hex, { root, path }: { readonly root: Hex; readonly path: readonly Hex[] }): boolean =>
  path.reduce((at, other) => keccak256(concatHex(at < other ? [at, other] : [other, at])), leaf) === root;

export interface VoucherCheck {
  readonly terms: Terms;
  readonly place: SettlementPlace;
  readonly payer: Hex;
  /** What the newest one was over. */
  readonly vouched: number;
  /** Of its bill; any of these will do. */
  readonly receiptsRoots: readonly Hex[];
}

/** Whether a voucher pays this node what it says: its bill is in the tree, the payer's key signed the root, and it is no less than before. Returns the root of receipts of its bill. @throws PAY_BAD_VOUCHER, PAY_NOT_THE_PAYER */
export async function checkVoucher({ root, signature, path, tokens }: VoucherPart, { terms, place, payer, vouched, receiptsRoots }: VoucherCheck): Promise<Hex> {
  const bad = (reason: string, cause?: unknown): Error => payErrors.badVoucher({ session: terms.sessionId, reason }, cause);
  if (tokens < vouched) throw bad(`it is over ${tokens} tokens, one before was over ${vouched}`);
  const receiptsRoot = receiptsRoots.find((one) => isInTree(leafOf(billHash(billOf(terms, { tokens, receiptsRoot: one }), place)), { root, path }));
  if (receiptsRoot === undefined) throw bad('this node is not in it');
  const signer = await recoverTypedDataAddress({ ...voucherTypedData(place, { sessionId: terms.sessionId, root }), signature }).catch((error: unknown) => { throw bad('its signature is none', error); });
  if (signer.toLowerCase() !== payer.toLowerCase()) throw payErrors.notThePayer({ session: terms.sessionId });
  return receiptsRoot;
}
