import { askOnce } from '../../streams/ask-once.ts';
import type { FrameStream } from '../../types.ts';
import { peersErrors } from './errors.ts';
import { decodePeers, encodePeers, peersAnswerSchema, type PeersAnswer, type PeersQuestion } from './schema.ts';

/** Says where we are and hears whom the peer knows, on a fresh stream of PEERS_PROTOCOL. Throws MESH_RESPONSE_INVALID, MESH_REQUEST_TIMEOUT. */
export async function askForPeers(stream: FrameStream, question: PeersQuestion, signal: AbortSignal): Promise<PeersAnswer> {
  const frame = await askOnce(stream, { request: encodePeers(question), signal });
  const answer = frame === undefined ? undefined : decodePeers(peersAnswerSchema, frame);
  if (answer === undefined) throw peersErrors.invalid(stream.peer, 'list of peers');
  return answer;
}
