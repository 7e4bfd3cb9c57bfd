import { z } from 'zod';
import { asPeerId } from '../../../base/index.ts';
import { MAX_OWN_ADDRESSES, MAX_TOLD_ADDRESSES, MAX_TOLD_PEERS, PEERS_VERSION } from './constants.ts';

const version = z.literal(PEERS_VERSION);
const address = z.string().min(1).max(256).startsWith('/');
const own = z.array(address).max(MAX_OWN_ADDRESSES).readonly();
const peer = z.string().min(1).max(128).regex(/^[1-9A-HJ-NP-Za-km-z]+$/).transform(asPeerId);

/** Where the asker itself is. Unknown fields are let pass and dropped: a newer minor version may say more. */
export const peersQuestionSchema = z.object({ version, addresses: own });
export type PeersQuestion = z.infer<typeof peersQuestionSchema>;

const toldPeerSchema = z.object({ peer, addresses: z.array(address).min(1).max(MAX_TOLD_ADDRESSES).readonly() });
/** Of whom it is said, and where: a hint until somebody has dialled it. */
export type ToldPeer = z.infer<typeof toldPeerSchema>;

export const peersAnswerSchema = z.object({ version, addresses: own, peers: z.array(toldPeerSchema).max(MAX_TOLD_PEERS).readonly() });
export type PeersAnswer = z.infer<typeof peersAnswerSchema>;

export const encodePeers = (message: PeersQuestion | PeersAnswer): Uint8Array => Buffer.from(JSON.stringify(message), 'utf8');

/** Undefined for anything that is no such message. */
export function decodePeers<T>(schema: z.ZodType<T>, frame: Uint8Array): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(Buffer.from(frame).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
