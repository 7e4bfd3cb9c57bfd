import type { CodedError, ShardCid } from '../../../base/index.ts';
import { isLeaf, LEAF_BYTES } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';
import { ANSWER_TIMEOUT_MS } from '../options.ts';
import { blockDigest } from '../wire/cid.ts';
import type { ReceivedLeaf, Source, SourceSink } from './source.ts';

/**
 * One block (a manifest, a shard of one leaf) from one source, whose size nobody vouches for: the source's own word is
 * taken, and its bytes must have the hash. Undefined when it has none. Throws EXCHANGE_BAD_CID, EXCHANGE_BAD_LEAF and
 * what ends a source.
 */
export async function fetchBlock(cid: ShardCid, open: (sink: SourceSink) => Promise<Source>): Promise<Uint8Array | undefined> {
  const digest = blockDigest(cid);
  if (digest === undefined) throw exchangeErrors.badCid({ cid });
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
  promise.catch(() => undefined);
  const source = await open({
    heard: () => undefined,
    ended: (_source, error) => reject(error),
    refused: () => resolve(undefined),
    leaf: (_source, { bytes, release }: ReceivedLeaf) => {
      resolve(Uint8Array.from(bytes));
      release();
    },
  });
  let failure: CodedError | undefined;
  const timer = setTimeout(() => reject(exchangeErrors.noAnswer({ peer: source.name, what: cid, waitedMs: ANSWER_TIMEOUT_MS })), ANSWER_TIMEOUT_MS);
  try {
    const [holding] = await source.holdings([cid]);
    if (holding === undefined || holding.held === 'none' || holding.sizeBytes > LEAF_BYTES) return undefined;
    const tree = { cid, sizeBytes: holding.sizeBytes, leafHashes: digest };
    source.ask({ tree, first: 0, count: 1 });
    const bytes = await promise;
    if (bytes !== undefined && !isLeaf(tree, 0, bytes)) throw failure = exchangeErrors.badLeaf({ peer: source.name, cid, leaf: 0 });
    return bytes;
  } finally {
    clearTimeout(timer);
    source.close(failure);
  }
}
