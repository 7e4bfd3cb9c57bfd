import { formatUnits } from 'viem';
import { toCoded } from '../../base/index.ts';
import { decodeFault, economyErrors, type Call, type FaultStanding, type Hex } from '../../chain/index.ts';
import type { FaultStandingInfo, HeldFault, OwnerOp } from '../../api/index.ts';
import { PayChain, readEvidence, type Evidence } from '../paid/index.ts';
import type { EconomyHost } from './economy-host.ts';
import { slashInfo } from './ledger-info.ts';

type Slash = Extract<OwnerOp, { readonly op: 'slash' }>;

/** Listed, the newest sessions' first. */
const LISTED = 100;

/** What the book of this home proves, and what it is worth now. A chain that does not answer costs the second alone. Throws PAY_BOOK_*. */
export async function heldFaults(host: EconomyHost): Promise<readonly HeldFault[]> {
  const held = readEvidence(host.home).slice(0, LISTED);
  if (held.length === 0) return [];
  return judged(host, held).catch((error: unknown) => held.map((one) => ({ ...faultOf(one), standing: { kind: 'unknown', error: toCoded(error).toWire() } as const })));
}

async function judged(host: EconomyHost, held: readonly Evidence[]): Promise<HeldFault[]> {
  const chain = await host.chain();
  const place = new PayChain(chain);
  const isHere = ({ chainId, settlement }: Evidence): boolean => chainId === place.network.chainId && settlement === place.settlement;
  const here = held.filter(isHere);
  const standings = new Map((await chain.faults(here)).map((standing, index) => [here[index], standing] as const));
  return held.map((one) => ({ ...faultOf(one), standing: standingInfo(standings.get(one)) }));
}

const faultOf = ({ sessionId, nodeId, chainId, settlement, proof }: Evidence): Omit<HeldFault, 'standing'> => ({ sessionId, nodeId, kind: decodeFault(proof).evidence, chainId, settlement, proof });

function standingInfo(standing: FaultStanding | undefined): FaultStandingInfo {
  switch (standing?.kind) {
    case undefined: return { kind: 'other-chain' };
    case 'open': return { kind: 'open', cut: `${standing.cut}`, reward: `${standing.reward}` };
    case 'punished': return { kind: 'punished', ...(standing.slash === undefined ? {} : { slash: slashInfo(standing.slash) }) };
    case 'refused': return { kind: 'refused', error: standing.error.toWire() };
  }
}

/** What brings a proof, looked at before anybody is asked. Throws ECONOMY_OTHER_CHAIN, ECONOMY_NO_FAULT, ECONOMY_PUNISHED. */
export async function slashCalls(host: EconomyHost, { nodeId, proof, place }: Slash): Promise<readonly Call[]> {
  const chain = await host.chain();
  const pay = new PayChain(chain);
  if (place !== undefined && (place.chainId !== chain.network.chainId || place.settlement.toLowerCase() !== pay.settlement)) throw economyErrors.otherChain({ ...place, own: chain.network.chainId });
  const [standing] = await chain.faults([{ nodeId: nodeId as Hex, proof: proof as Hex }]);
  if (standing?.kind === 'refused') throw economyErrors.noFault({ nodeId, reason: reasonOf(standing.error.meta) }, standing.error);
  if (standing?.kind === 'punished') {
    const { slash } = standing;
    throw economyErrors.punished({ nodeId, ...(slash === undefined ? {} : { atMs: slash.atMs, cut: formatUnits(slash.cut, 18) }) });
  }
  return pay.slash(nodeId as Hex, proof as Hex);
}

/** VerifierContract's errors in plain words. */
function reasonOf({ error, reason }: Readonly<Record<string, unknown>>): string {
  switch (error) {
    case 'OtherNode': return 'its bills are of another node';
    case 'NotSigned': return 'a bill in it is not signed by the node, or is for another chain or settlement';
    case 'NoContradiction': return 'its two bills are the same, or of two sessions';
    case 'NoDoubleClaim': return 'its two bills are of different work, or of one session';
    case 'NoRuling': return 'no committee found the node wrong in that session';
    case 'UnknownKind': return 'it is of a kind that these contracts do not know';
    default: return typeof error === 'string' ? String(reason) : 'it cannot be read';
  }
}
