import type { CodedError } from '../../base/index.ts';
import type { Hex } from '../types.ts';
import { readCase, readNow, type CasesFrom } from './cases.ts';
import { committeeErrors } from './errors.ts';
import { SEATS } from './phase.ts';
import type { CommitteeOp } from './types.ts';
import { MAX_EVIDENCE_BYTES } from './words.ts';

interface Refusal {
  readonly chain: Pick<CasesFrom, 'client' | 'contracts'>;
  readonly op: CommitteeOp;
  readonly account: Hex;
  readonly error: CodedError;
}

interface Refused extends Refusal {
  /** Of the contract's error. */
  readonly args: Readonly<Partial<Record<string, string>>>;
  readonly nodeId: Hex;
  /** What the error names as the time. */
  readonly atMs: number;
}

/** What the contract's own error means for who asked; other errors as they are. */
export async function refusalOf(refusal: Refusal): Promise<CodedError> {
  const { op, error } = refusal;
  const meaning = MEANINGS[String(error.meta['error'])];
  if (error.code !== 'CHAIN_REVERTED' || meaning === undefined) return error;
  const args = error.meta['args'] as Refused['args'];
  return await meaning({ ...refusal, args, nodeId: 'nodeId' in op ? op.nodeId : '0x', atMs: Number(args['until'] ?? args['from'] ?? 0) * 1000 });
}

/** By the names of Committee.sol. */
const MEANINGS: Readonly<Partial<Record<string, (refused: Refused) => CodedError | Promise<CodedError>>>> = {
  NotOwnerOfNode: ({ nodeId, account, error }) => committeeErrors.notOwner({ nodeId, account }, error),
  NodeNotActive: ({ nodeId, error }) => committeeErrors.notActive({ nodeId }, error),
  AlreadyCandidate: ({ nodeId, error }) => committeeErrors.enlisted({ nodeId }, error),
  NotCandidate: ({ nodeId, error }) => committeeErrors.notEnlisted({ nodeId }, error),
  StillActive: ({ nodeId, error }) => committeeErrors.othersNode({ nodeId }, error),
  DrawIsDue: ({ args, error }) => committeeErrors.drawsDue({ draws: Number(args['drawsDue']) }, error),
  UnknownNode: ({ nodeId, error }) => committeeErrors.unknownNode({ name: nodeId, nodes: [] }, error),
  CaseExists: ({ error }) => committeeErrors.exists({}, error),
  TooFewCandidates: ({ args, error }) => committeeErrors.tooFewCandidates({ candidates: Number(args['candidates']), least: SEATS }, error),
  EvidenceTooLong: ({ args, error }) => committeeErrors.evidenceTooLong({ sizeBytes: Number(args['sizeBytes']), limitBytes: MAX_EVIDENCE_BYTES }, error),
  NotDrawn: ({ error }) => committeeErrors.notDrawn({}, error),
  AlreadyDrawn: ({ error }) => committeeErrors.drawn({}, error),
  NotMember: ({ account, error }) => committeeErrors.notMember({ account }, error),
  AlreadyOpened: ({ error }) => committeeErrors.opened({}, error),
  BadCommitment: ({ error }) => committeeErrors.notVoted({}, error),
  NothingOwed: ({ account, error }) => committeeErrors.nothingOwed({ account }, error),
  CaseNotOpen: notOpen, TooEarly: tooEarly, TooLate: tooLate,
};

async function notOpen({ chain, op, error }: Refused): Promise<CodedError> {
  if (!('sessionId' in op)) return error;
  const { clock: { standing } } = await readCase(chain, op);
  return standing === 'none' ? committeeErrors.noCase({ sessionId: op.sessionId, nodeId: op.nodeId }, error) : committeeErrors.closed({ standing }, error);
}

async function tooEarly({ chain: { client }, op: { op }, error, atMs }: Refused): Promise<CodedError> {
  switch (op) {
    case 'openCase': return committeeErrors.notEnded({ atMs }, error);
    case 'reveal': return committeeErrors.votesStill({ atMs }, error);
    case 'conclude': return committeeErrors.notOver({ atMs }, error);
    // Of blocks, not of time: the first after the one that draws.
    case 'draw': return committeeErrors.blocksToGo({ block: String(atMs / 1000 - 1), head: String((await readNow(client)).block) }, error);
    default: return error;
  }
}

function tooLate({ op: { op }, error, atMs }: Refused): CodedError {
  switch (op) {
    case 'openCase': return committeeErrors.final({ atMs }, error);
    case 'addEvidence': return committeeErrors.evidenceOver({ atMs }, error);
    case 'draw': return committeeErrors.drawOver({ atMs }, error);
    case 'vote': return committeeErrors.votesOver({ atMs }, error);
    case 'reveal': return committeeErrors.openingOver({ atMs }, error);
    default: return error;
  }
}
