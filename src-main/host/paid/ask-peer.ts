import type { PeerId } from '../../base/index.ts';
import { askOnce, type Mesh } from '../../mesh/index.ts';
import { payErrors } from './errors.ts';
import { PAY_LIMITS, PAY_PROTOCOL, PAY_TIMEOUT_MS } from './options.ts';
import { decodeSay, encode, type Ask, type Say } from './wire.ts';

type Answers = { offer: 'offer'; open: 'yes'; voucher: 'yes'; bill: 'bill' };
const ANSWER: Answers = { offer: 'offer', open: 'yes', voucher: 'yes', bill: 'bill' };

/** One question about pay. @throws PAY_REFUSED, PAY_BAD_MESSAGE, PAY_SILENT, and what opening a stream can: MESH_PROTOCOL_UNSUPPORTED of a node that is not paid */
export async function askPeer<A extends Ask>(mesh: Pick<Mesh, 'open'>, peer: PeerId, ask: A): Promise<Extract<Say, { say: Answers[A['ask']] }>> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(payErrors.silent({ peer, timeoutMs: PAY_TIMEOUT_MS })), PAY_TIMEOUT_MS);
  try {
    const stream = await mesh.open(peer, PAY_PROTOCOL, { limits: PAY_LIMITS, signal: over.signal });
    const frame = await askOnce(stream, { request: encode(ask), signal: over.signal });
    if (frame === undefined) throw payErrors.badMessage({ peer, reason: 'it said nothing' });
    const say = decodeSay(frame, peer);
    if (say.say === 'no') throw payErrors.refused({ peer, code: say.code, reason: say.reason, again: say.again });
    if (say.say !== ANSWER[ask.ask]) throw payErrors.badMessage({ peer, reason: `${say.say} to ${ask.ask}` });
    return say as Extract<Say, { say: Answers[A['ask']] }>;
  } finally {
    clearTimeout(timer);
  }
}
