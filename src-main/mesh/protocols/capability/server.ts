import type { RateLimiter } from '../../../base/index.ts';
import type { FrameStream } from '../../types.ts';
import { capabilityProtocolErrors } from './errors.ts';
import { decodeQuestion, encodeAnswer, type Question, type Told } from './schema.ts';

export interface CapabilityServerInit {
  readonly rate: RateLimiter;
  /** The messages of each peer that was asked for, in order. */
  readonly told: (question: Question) => Iterable<readonly Told[]>;
}

/** Answers one question. Rejects with the stream's error. */
export async function serveCapability(stream: FrameStream, { rate, told }: CapabilityServerInit): Promise<void> {
  const { value: frame, done } = await stream[Symbol.asyncIterator]().next();
  if (done === true) return stream.close();
  const question = decodeQuestion(frame);
  if (question === undefined) return stream.abort(capabilityProtocolErrors.invalid(stream.peer, 'that is no question'));
  if (!rate.take(stream.peer)) return stream.abort(capabilityProtocolErrors.tooMany(stream.peer));
  await stream.send(encodeAnswer(told(question)));
  await stream.close();
}
