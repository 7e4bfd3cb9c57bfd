import { encodeFunctionData, formatUnits, keccak256 } from 'viem';
import { abis } from '../abi/index.ts';
import { decodeError } from '../decode.ts';
import { faultProof } from '../settle/fault-proof.ts';
import type { Call, Hex } from '../types.ts';
import { commitmentIn, readCase, rulingIdOf, type CasesFrom } from './cases.ts';
import { committeeErrors } from './errors.ts';
import { phaseOf } from './phase.ts';
import { refusalOf } from './refusals.ts';
import { commitmentOf, type VoteSalts } from './salts.ts';
import type { CaseOf, CommitteeOp } from './types.ts';
import { evidenceBytes } from './words.ts';

export interface CommitteeChain extends CasesFrom {
  readonly chainId: number;
  readonly salts: VoteSalts;
}

type Evident = Extract<CommitteeOp, { readonly evidence: string }>;
type Vote = Extract<CommitteeOp, { readonly isWrong: boolean }>;
const abi = abis.Committee;

/** The calls that do it, in order, tried against the chain as it is now. Throws COMMITTEE_*, and what reading the chain throws. */
export async function planCommittee(chain: CommitteeChain, op: CommitteeOp, account: Hex): Promise<Call[]> {
  switch (op.op) {
    case 'enlist': case 'delist': return await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: op.op, args: [op.nodeId] }) });
    case 'openCase': return await planCase(chain, op, account);
    case 'addEvidence': return await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: 'addEvidence', args: [op.sessionId, op.nodeId, evidenceBytes(op.evidence)] }) });
    case 'draw': return await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: 'draw', args: [op.sessionId, op.nodeId] }) });
    case 'vote': return await planVote(chain, op, account);
    case 'reveal': return await planReveal(chain, op, account);
    case 'conclude': return await planConclusion(chain, op, account);
    case 'takeOwed': return await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: 'withdraw' }) });
  }
}

/** Approves exactly the bond, and opens. */
async function planCase(chain: CommitteeChain, op: Evident, account: Hex): Promise<Call[]> {
  const { client, contracts: { Committee: committee, SumToken: token } } = chain;
  const opening = await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: 'openCase', args: [op.sessionId, op.nodeId, evidenceBytes(op.evidence)] }) });
  const [bond, liquid, allowance] = await Promise.all([
    client.readContract({ address: committee, abi, functionName: 'BOND' }), client.readContract({ address: token, abi: abis.SumToken, functionName: 'balanceOf', args: [account] }),
    client.readContract({ address: token, abi: abis.SumToken, functionName: 'allowance', args: [account, committee] }),
  ]);
  if (liquid < bond) throw committeeErrors.noBond({ bond: formatUnits(bond, 18), liquid: formatUnits(liquid, 18) });
  const approval: Call = { what: 'approve', to: token, data: encodeFunctionData({ abi: abis.SumToken, functionName: 'approve', args: [committee, bond] }), value: 0n };
  return [...(allowance === bond ? [] : [approval]), ...opening];
}

const voteData = ({ sessionId, nodeId }: CaseOf, commitment: Hex): Hex => encodeFunctionData({ abi, functionName: 'commit', args: [sessionId, nodeId, commitment] });

/** The salt is on the disk before anything that was made with it leaves here. */
async function planVote(chain: CommitteeChain, op: Vote, account: Hex): Promise<Call[]> {
  await tried(chain, account, { op, data: voteData(op, keccak256('0x')) });
  const ballot = { sessionId: op.sessionId, nodeId: op.nodeId, account };
  const salt = await chain.salts.make(ballot);
  return [callOf(chain, 'commit', voteData(op, commitmentOf({ chainId: chain.chainId, committee: chain.contracts.Committee }, ballot, { isWrong: op.isWrong, salt })))];
}

/** Which vote it was follows from what is on the chain. Before votes are opened the salt goes nowhere, not even to the node that is asked about the chain. */
async function planReveal(chain: CommitteeChain, op: CommitteeOp & CaseOf, account: Hex): Promise<Call[]> {
  const ballot = { sessionId: op.sessionId, nodeId: op.nodeId, account };
  const { clock, members } = await readCase(chain, op);
  const { phase, untilMs = 0 } = phaseOf(clock);
  if (clock.standing === 'none') throw committeeErrors.noCase(ballot);
  if (clock.standing !== 'open') throw committeeErrors.closed({ standing: clock.standing });
  if (phase === 'draw' || !clock.isDrawn) throw committeeErrors.notDrawn({});
  if (!members.includes(account.toLowerCase() as Hex)) throw committeeErrors.notMember({ account });
  if (phase === 'vote') throw committeeErrors.votesStill({ atMs: untilMs });
  const made = commitmentIn(chain.events, ballot);
  if (made === undefined) throw committeeErrors.notVoted({});
  const salt = await chain.salts.find(ballot);
  const place = { chainId: chain.chainId, committee: chain.contracts.Committee };
  const isWrong = salt === undefined ? undefined : [true, false].find((one) => commitmentOf(place, ballot, { isWrong: one, salt }) === made.commitment);
  if (salt === undefined || isWrong === undefined) throw committeeErrors.noSalt({ folder: chain.salts.folder });
  return await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: 'open', args: [op.sessionId, op.nodeId, isWrong, salt] }) });
}

/** Of a case that was upheld while the slash failed, the slash. */
async function planConclusion(chain: CommitteeChain, op: CommitteeOp & CaseOf, account: Hex): Promise<Call[]> {
  const { client, contracts: { StakingContract: stakes } } = chain;
  const { clock: { standing } } = await readCase(chain, op);
  if (standing === 'upheld' && !await client.readContract({ address: stakes, abi: abis.StakingContract, functionName: 'isPunished', args: [rulingIdOf(op)] })) {
    return [{ what: 'slash', to: stakes, data: encodeFunctionData({ abi: abis.StakingContract, functionName: 'slash', args: [op.nodeId, faultProof({ ruledSessionId: op.sessionId })] }), value: 0n }];
  }
  return await tried(chain, account, { op, data: encodeFunctionData({ abi, functionName: 'conclude', args: [op.sessionId, op.nodeId] }) });
}

const callOf = ({ contracts }: CommitteeChain, what: string, data: Hex): Call => ({ what, to: contracts.Committee, data, value: 0n });

/** As the contract would answer now. Throws COMMITTEE_*. */
async function tried(chain: CommitteeChain, account: Hex, { op, data }: { readonly op: CommitteeOp; readonly data: Hex }): Promise<Call[]> {
  const { client, contracts } = chain;
  try {
    await client.call({ account, to: contracts.Committee, data });
  } catch (error) {
    const coded = decodeError(error, { contracts, to: contracts.Committee, method: 'eth_call' });
    // The last thing that opening does is to take the bond, which is approved in the same batch.
    const isUnpaid = op.op === 'openCase' && (coded.meta['error'] === 'ERC20InsufficientAllowance' || coded.meta['error'] === 'ERC20InsufficientBalance');
    if (!isUnpaid) throw await refusalOf({ chain, op, account, error: coded });
  }
  return [callOf(chain, NAMES[op.op], data)];
}

/** As the contract's functions are called. */
const NAMES: Readonly<Record<CommitteeOp['op'], string>> = {
  enlist: 'enlist', delist: 'delist', openCase: 'openCase', addEvidence: 'addEvidence', draw: 'draw', vote: 'commit', reveal: 'open', conclude: 'conclude', takeOwed: 'withdraw',
};
