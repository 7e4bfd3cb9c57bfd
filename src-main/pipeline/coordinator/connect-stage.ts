import type { CodedError } from '../../base/index.ts';
import type { FrameStream } from '../../mesh/index.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import type { Connect, StageAssignment } from '../ports.ts';
import { linkFailure } from './name-error.ts';

/** Opens a stage's stream within a time; a stream that comes too late is dropped. @throws PIPELINE_STAGE_LOST, PIPELINE_STAGE_TIMEOUT, PIPELINE_CANCELLED */
export async function connectStage(connect: Connect, assignment: StageAssignment & { readonly ref: StageRef }, limits: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined }): Promise<FrameStream> {
  const { ref, peer, addresses } = assignment;
  const give = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (error: CodedError): void => { reject(error); give.abort(error); };
  const timer = setTimeout(() => stop(pipelineErrors.stageTimeout({ ...ref, phase: 'accept a stream', timeoutMs: limits.timeoutMs })), limits.timeoutMs);
  const onAbort = (): void => stop(pipelineErrors.cancelled({}));
  if (limits.signal?.aborted) onAbort();
  limits.signal?.addEventListener('abort', onAbort, { once: true });
  const opening = connect(peer, addresses, { signal: give.signal });
  opening.then((stream) => { if (give.signal.aborted) stream.abort(pipelineErrors.cancelled({})); }, () => undefined);
  try {
    return await Promise.race([opening, stopped]);
  } catch (error) {
    throw linkFailure(ref, error);
  } finally {
    clearTimeout(timer);
    limits.signal?.removeEventListener('abort', onAbort);
  }
}
