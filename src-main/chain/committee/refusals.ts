import type { CodedError } from '../../base/index.ts';
import type { Hex } from '../types.ts';
import { readCase, readNow, type CasesFrom } from './cases.ts';
import { committeeErrors } from './errors.ts';
import { SEATS } from './phase.ts';
import type { CommitteeOp } from './types.ts';
import { MAX_EVIDENCE_BYTES } from './words.ts';

/** What the contract's own error means for who asked; other errors as they are. */
export async function refusalOf(chain: Pick<CasesFrom, 'client' | 'contracts'>, op: CommitteeOp, error: CodedError, account: Hex): Promise<CodedError> {
  if (error.code !== 'CHAIN_REVERTED') return error;
  const args = error.meta['args'] as Readonly<Record<string, string>>;
  const atMs = Number(args['until'] ?? args['from'] ?? 0) * 1000;
  const nodeId = 'nodeId' in op ? op.nodeId : '0x';
  switch (error.meta['error']) {
    case 'NotOwnerOfNode': return committeeErrors.notOwner({ nodeId, account }, error);
    case 'NodeNotActive': return committeeErrors.notActive({ nodeId }, error);
    case 'AlreadyCandidate': return committeeErrors.enlisted({ nodeId }, error);
    case 'NotCandidate': return committeeErrors.notEnlisted({ nodeId }, error);
    case 'StillActive': return committeeErrors.othersNode({ nodeId }, error);
    case 'DrawIsDue': return committeeErrors.drawsDue({ draws: Number(args['drawsDue']) }, error);
    case 'UnknownNode': return committeeErrors.unknownNode({ name: nodeId, nodes: [] }, error);
    case 'CaseExists': return committeeErrors.exists({}, error);
    case 'TooFewCandidates': return committeeErrors.tooFewCandidates({ candidates: Number(args['candidates']), least: SEATS }, error);
    case 'EvidenceTooLong': return committeeErrors.evidenceTooLong({ sizeBytes: Number(args['sizeBytes']), limitBytes: MAX_EVIDENCE_BYTES }, error);
    case 'NotDrawn': return committeeErrors.notDrawn({}, error);
    case 'AlreadyDrawn': return committeeErrors.drawn({}, error);
    case 'NotMember': return committeeErrors.notMember({ account }, error);
    case 'AlreadyOpened': return committeeErrors.opened({}, error);
    case 'BadCommitment': return committeeErrors.notVoted({}, error);
    case 'NothingOwed': return committeeErrors.nothingOwed({ account }, error);
    case 'CaseNotOpen': return await notOpen(chain, op, error);
    case 'TooEarly': return await tooEarly(chain, op, { error, atMs });
    case 'TooLate': return tooLate(op, { error, atMs });
    default: return error;
  }
}

async function notOpen(chain: Pick<CasesFrom, 'client' | 'contracts'>, op: CommitteeOp, error: CodedError): Promise<CodedError> {
  if (!('sessionId' in op)) return error;
  const { clock: { standing } } = await readCase(chain, op);
  return standing === 'none' ? committeeErrors.noCase({ sessionId: op.sessionId, nodeId: op.nodeId }, error) : committeeErrors.closed({ standing }, error);
}

interface Refused {
  readonly error: CodedError;
  readonly atMs: number;
}

async function tooEarly({ client }: Pick<CasesFrom, 'client'>, { op }: CommitteeOp, { error, atMs }: Refused): Promise<CodedError> {
  switch (op) {
    case 'openCase': return committeeErrors.notEnded({ atMs }, error);
    case 'reveal': return committeeErrors.votesStill({ atMs }, error);
    case 'conclude': return committeeErrors.notOver({ atMs }, error);
    // Of blocks, not of time: the first after the one that draws.
    case 'draw': return committeeErrors.blocksToGo({ block: String(atMs / 1000 - 1), head: String((await readNow(client)).block) }, error);
    default: return error;
  }
}

function tooLate({ op }: CommitteeOp, { error, atMs }: Refused): CodedError {
  switch (op) {
    case 'openCase': return committeeErrors.final({ atMs }, error);
    case 'addEvidence': return committeeErrors.evidenceOver({ atMs }, error);
    case 'draw': return committeeErrors.drawOver({ atMs }, error);
    case 'vote': return committeeErrors.votesOver({ atMs }, error);
    case 'reveal': return committeeErrors.openingOver({ atMs }, error);
    default: return error;
  }
}
