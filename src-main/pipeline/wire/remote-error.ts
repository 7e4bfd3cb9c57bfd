import { CodedError } from '../../base/index.ts';
import { FrameType } from './constants.ts';
import type { Frame } from './frame.ts';
import { readControl } from './schema.ts';

/** The error that a peer reports. @throws PIPELINE_BAD_MESSAGE */
export function errorFrom(frame: Frame, peer: string): CodedError {
  const { next, ...wire } = readControl(frame, FrameType.error, peer);
  return CodedError.fromWire(next === undefined ? wire : { ...wire, next });
}
