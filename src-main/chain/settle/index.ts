export { billHash, billMessage, billWork, leafOf, type Bill, type SettlementPlace } from './bill.ts';
export { merklePath, merkleTree, type MerkleTree } from './merkle.ts';
export { sessionIdOf, voucherTypedData } from './voucher.ts';
export { decodeFault, faultProof, type SignedBill } from './fault-proof.ts';
export { bindingMessage } from './binding.ts';
