import type { CodedError } from '../../../base/index.ts';
import { checkTree, type ShardTree } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';

/** What is wrong with a list of leaves that a source told: EXCHANGE_BAD_TREE, or nothing. */
export function treeFault(tree: ShardTree, source: string): CodedError | undefined {
  try {
    checkTree(tree);
    return undefined;
  } catch (cause) {
    return exchangeErrors.badTree({ peer: source, cid: tree.cid }, cause);
  }
}
