import { askOnce } from '../../streams/ask-once.ts';
import type { FrameStream } from '../../types.ts';
import { capabilityProtocolErrors } from './errors.ts';
import { decodeAnswer, encodeQuestion, type Question, type Told } from './schema.ts';

/** What the peer knows, on a fresh stream of CAPABILITY_PROTOCOL; the signatures are still to be checked. Throws MESH_REQUEST_TIMEOUT, MESH_RESPONSE_INVALID. */
export async function askCapability(stream: FrameStream, question: Question, signal: AbortSignal): Promise<readonly Told[]> {
  const frame = await askOnce(stream, { request: encodeQuestion(question), signal });
  const told = frame === undefined ? undefined : decodeAnswer(frame);
  if (told === undefined) throw capabilityProtocolErrors.invalid(stream.peer, 'that is no list of messages');
  return told;
}
