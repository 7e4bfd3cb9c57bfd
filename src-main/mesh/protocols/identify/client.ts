import { askOnce } from '../../streams/ask-once.ts';
import type { FrameStream } from '../../types.ts';
import { identifyErrors } from './errors.ts';
import { decodeIntroduction, type Introduction } from './schema.ts';

/** Reads the peer's introduction from a fresh stream of IDENTIFY_PROTOCOL. Throws MESH_RESPONSE_INVALID, MESH_REQUEST_TIMEOUT. */
export async function readIntroduction(stream: FrameStream, signal: AbortSignal): Promise<Introduction> {
  const frame = await askOnce(stream, { signal });
  const introduction = frame === undefined ? undefined : decodeIntroduction(frame);
  if (introduction === undefined) throw identifyErrors.invalid(stream.peer);
  return introduction;
}
