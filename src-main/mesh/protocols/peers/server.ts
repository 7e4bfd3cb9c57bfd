import type { RateLimiter } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { peersErrors } from './errors.ts';
import { decodePeers, encodePeers, peersQuestionSchema, type PeersAnswer, type PeersQuestion } from './schema.ts';

/** Hears where the asker is and tells whom we know, once; then the stream ends. Rejects with the stream's error. */
export async function servePeers(stream: FrameStream, rate: RateLimiter, answer: (question: PeersQuestion) => PeersAnswer): Promise<void> {
  for await (const frame of stream) {
    if (!rate.take(stream.peer)) return stream.abort(peersErrors.tooMany(stream.peer));
    const question = decodePeers(peersQuestionSchema, frame);
    if (question === undefined) return stream.abort(peersErrors.invalid(stream.peer, 'question for peers'));
    await stream.send(encodePeers(answer(question)));
    break;
  }
  await stream.close();
}
