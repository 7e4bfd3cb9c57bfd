import type { FrameStream } from '../../types.ts';
import { encodeIntroduction, type Introduction } from './schema.ts';

/** Says who we are, then ends the stream. */
export async function serveIntroduction(stream: FrameStream, introduction: Introduction): Promise<void> {
  await stream.send(encodeIntroduction(introduction));
  await stream.close();
}
