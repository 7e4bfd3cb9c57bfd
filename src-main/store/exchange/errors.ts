import { defineErrors, spec } from '../../base/index.ts';

const other = 'Fetch from another peer.';

export const exchangeErrors = defineErrors('EXCHANGE', {
  badFrame: spec<{ peer: string; reason: string }>({ fault: 'peer', message: (m) => `${m.peer} sent a frame that the block protocol does not know: ${m.reason}.`, next: other }),
  badLeaf: spec<{ peer: string; cid: string; leaf: number }>({ fault: 'peer', message: (m) => `${m.peer} sent other bytes than leaf ${m.leaf} of ${m.cid}.`, next: other }),
  badTree: spec<{ peer: string; cid: string }>({ fault: 'peer', message: (m) => `${m.peer} sent leaf hashes that do not belong to ${m.cid}.`, next: other }),
  unasked: spec<{ peer: string; what: string }>({ fault: 'peer', message: (m) => `${m.peer} sent what nobody asked for: ${m.what}.`, next: other }),
  flooded: spec<{ peer: string; what: string }>({ fault: 'peer', message: (m) => `${m.peer} asks for more than it was allowed: ${m.what}.`, next: 'Drop the peer: it does not keep to the protocol.' }),
  noAnswer: spec<{ peer: string; what: string; waitedMs: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.peer} did not answer (${m.what}) within ${m.waitedMs / 1000} s.`, next: other }),
  refused: spec<{ peer: string; what: string; reason: string }>({ fault: 'peer', retryable: true, message: (m) => `${m.peer} refused ${m.what}: ${m.reason}.`, next: other }),
  linkLost: spec<{ peer: string; reason: string }>({ fault: 'local', retryable: true, message: (m) => `The link to ${m.peer} was lost: ${m.reason}.`, next: 'Connect to the peer again, or fetch from another one.' }),
  noSources: spec<{ cids: readonly string[]; missingLeaves: number }>({
    fault: 'local', retryable: true, message: (m) => `Nobody has the ${m.missingLeaves} blocks of ${m.cids.join(', ')} that are still missing.`,
    next: 'Name more peers that hold the model; what was fetched is kept.',
  }),
  notFound: spec<{ cid: string }>({ fault: 'user', message: (m) => `None of the peers has ${m.cid}, or knows who has.`, next: 'Check the CID, and name peers that hold it, or other members of the mesh.' }),
  badCid: spec<{ cid: string }>({ fault: 'user', message: (m) => `"${m.cid}" is not the CID of a shard or manifest.`, next: 'Give the CID as `omninode shard` printed it.' }),
  damaged: spec<{ path: string; leaf: number }>({ fault: 'local', message: (m) => `Block ${m.leaf} of ${m.path} is damaged on this disk.`, next: 'Fetch the shard again: only what is damaged is transferred.' }),
  writeFailed: spec<{ path: string }>({ fault: 'local', message: (m) => `${m.path} cannot be written.`, next: 'Check the folder, its permissions and the free space; what was fetched is kept.' }),
  readFailed: spec<{ path: string }>({ fault: 'local', message: (m) => `${m.path} cannot be read.`, next: 'Check that the file exists and may be read.' }),
  cancelled: spec<Record<string, never>>({ fault: 'user', message: () => 'The transfer was cancelled.', next: 'Start it again: what was fetched is kept.' }),
});
