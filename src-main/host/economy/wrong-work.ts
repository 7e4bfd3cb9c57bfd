import { toCoded } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import type { HeldWrongWork } from '../../api/index.ts';
import { PayChain, readWrongWork, type WrongWork } from '../paid/index.ts';
import type { EconomyHost } from './economy-host.ts';

/** What was computed again here and found wrong, and whether a case about it can be opened now. A chain that does not answer costs the second alone. Throws PAY_BOOK_*. */
export async function heldWrongWork(host: EconomyHost): Promise<readonly HeldWrongWork[]> {
  const held = await readWrongWork(host.home);
  if (held.length === 0) return [];
  const doubts = await doubtsOf(host, held).catch((error: unknown) => toCoded(error).toWire());
  return held.map((one, index) => ({ ...infoOf(one), doubt: 'code' in doubts ? { kind: 'unknown', error: doubts } : doubts[index] ?? { kind: 'other-chain' } }));
}

const infoOf = ({ sessionId, nodeId, peer, layers: { first, last }, modelHash, file, foundMs, billed, ...rows }: WrongWork): Omit<HeldWrongWork, 'doubt'> => (
  { sessionId, nodeId, peer, layers: [first, last], first: rows.first, count: rows.count, modelHash, file, foundMs, isBilled: billed !== undefined }
);

async function doubtsOf(host: EconomyHost, held: readonly WrongWork[]): Promise<HeldWrongWork['doubt'][]> {
  const place = new PayChain(await host.chain());
  const nowS = await place.time();
  // Many windows are of one session and node.
  const asked = new Map<string, Promise<HeldWrongWork['doubt']>>();
  return Promise.all(held.map(({ sessionId, nodeId }) => {
    const key = sessionId + nodeId;
    const doubt = asked.get(key) ?? doubtOf(place, { sessionId, nodeId, nowS });
    asked.set(key, doubt);
    return doubt;
  }));
}

interface About {
  readonly sessionId: Hex;
  readonly nodeId: Hex;
  readonly nowS: bigint;
}

async function doubtOf(place: PayChain, { sessionId, nodeId, nowS }: About): Promise<HeldWrongWork['doubt']> {
  const found = await place.session(sessionId);
  if (found === undefined) return { kind: 'other-chain' };
  if (nowS < found.endsAt) return { kind: 'soon', fromMs: Number(found.endsAt) * 1000 };
  if (await place.standing(sessionId, nodeId) !== 'none') return { kind: 'case' };
  return nowS < found.finalAt ? { kind: 'open', untilMs: Number(found.finalAt) * 1000 } : { kind: 'over' };
}
