import { existsSync } from 'node:fs';
import { encodeAbiParameters, hexToBytes, keccak256 } from 'viem';
import { faultProof, type Hex } from '../../chain/index.ts';
import { PayBook, type BookedSession, type BookedShare } from './book.ts';
import { payBookPath } from './paths.ts';
import { billOf } from './terms.ts';

/** Two bills of one session, both signed by one node, as `StakingContract.slash` takes them. */
export interface Evidence {
  /** Which contracts it is for. */
  readonly chainId: number;
  readonly settlement: Hex;
  readonly sessionId: Hex;
  readonly nodeId: Hex;
  /** As the contracts name the fault: punished once. */
  readonly faultId: Hex;
  readonly proof: Hex;
}

/** What the bills that a payer's book holds prove. */
export const evidenceIn = (book: PayBook): readonly Evidence[] => book.sessions('payer').flatMap(({ id }) => faultsOf(book, id));

/** As well, of a home, whether a host runs on it or not. Throws PAY_BOOK_*. */
export function readEvidence(home: string): readonly Evidence[] {
  if (!existsSync(payBookPath(home))) return [];
  const book = new PayBook(payBookPath(home));
  try {
    return evidenceIn(book);
  } finally {
    book.close();
  }
}

/** Of one session. */
export function faultsOf(book: PayBook, id: Hex): readonly Evidence[] {
  const session = book.session('payer', id);
  return session === undefined ? [] : book.shares('payer', id).flatMap((share) => faultOf(book, session, share));
}

function faultOf(book: PayBook, { chainId, settlement }: BookedSession, share: BookedShare): Evidence[] {
  const { sessionId, nodeId } = share;
  const [first, second] = book.bills('payer', sessionId, nodeId);
  if (first === undefined || second === undefined) return [];
  const signed = ({ tokens, receiptsRoot, signature }: typeof first) => ({ bill: billOf(share, { tokens, receiptsRoot }), signature: hexToBytes(signature) });
  // A contradiction: see VerifierContract.
  const faultId = keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'bytes32' }, { type: 'bytes32' }], [1n, nodeId, sessionId]));
  return [{ chainId, settlement, sessionId, nodeId, faultId, proof: faultProof({ first: signed(first), second: signed(second) }) }];
}
