import { isCoded, toCoded, type CodedError } from '../../base/index.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';

const BROKEN_PROTOCOL: readonly string[] = ['PIPELINE_BAD_FRAME', 'PIPELINE_BAD_CHECKSUM', 'PIPELINE_BAD_MESSAGE', 'PIPELINE_OUT_OF_STEP', 'PIPELINE_FLOODED'];
const GONE: readonly string[] = ['PIPELINE_LINK_LOST', 'PIPELINE_LINK_SILENT'];
const REFUSED: readonly string[] = ['PIPELINE_STAGE_BUSY', 'PIPELINE_NOT_ALLOWED', 'PIPELINE_LAYERS_NOT_HELD'];
/** It does not serve us any more, and others can: as its owner wants it, or because it is not paid (docs/protocols/pay.md). */
const LEFT: readonly string[] = ['PIPELINE_NOT_SERVING', 'PAY_BEHIND', 'PAY_SPENT', 'PAY_OVER'];
const NAMES_ITS_PEER: readonly string[] = [...GONE, 'PIPELINE_BAD_FRAME', 'PIPELINE_BAD_CHECKSUM', 'PIPELINE_OUT_OF_STEP', 'PIPELINE_FLOODED'];

/** A failure of our own link to a stage, as an error that names the stage. */
export function linkFailure(stage: StageRef, error: unknown): CodedError {
  const coded = toCoded(error);
  if (isNamed(coded)) return coded;
  const meta = { ...stage, reason: coded.message, code: coded.code };
  return BROKEN_PROTOCOL.includes(coded.code) ? pipelineErrors.stageMisbehaved(meta, coded) : pipelineErrors.stageLost(meta, coded);
}

/** What a stage reported: about itself, or about the neighbour that it lost. */
export function reportedFailure(reporter: StageRef, error: CodedError, route: readonly StageRef[]): CodedError {
  const culprit = NAMES_ITS_PEER.includes(error.code) ? route.find((stage) => stage.peer === error.meta['peer']) : undefined;
  if (culprit !== undefined) return linkFailure(culprit, error);
  const meta = { ...reporter, code: error.code, reason: error.message };
  if (error.code === 'PIPELINE_LAYERS_NOT_FETCHED') return pipelineErrors.stageNotFetched({ ...reporter, code: causeOf(error), reason: error.message }, error);
  // Other stages would say the same.
  if (error.code === 'ENGINE_BAD_GRAMMAR') return pipelineErrors.badGrammar({ ...reporter, reason: error.message }, error);
  if (LEFT.includes(error.code)) return pipelineErrors.stageLeft({ ...reporter, reason: error.message }, error);
  return REFUSED.includes(error.code) ? pipelineErrors.stageRefused(meta, error) : pipelineErrors.stageFailed(meta, error);
}

// What a peer writes there may be anything.
const causeOf = ({ code, meta }: CodedError): string => (typeof meta['code'] === 'string' ? meta['code'].slice(0, 64) : code);

const isNamed = (error: CodedError): boolean => error.code.startsWith('PIPELINE_STAGE_') || isCoded(error, 'PIPELINE_CANCELLED') || isCoded(error, 'PIPELINE_CLOSED');
