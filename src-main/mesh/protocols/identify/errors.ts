import type { CodedError } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { IDENTIFY_PROTOCOL as protocol, IDENTIFY_TIMEOUT_MS as timeoutMs } from './constants.ts';

/** What this protocol can end with, besides what opening a stream can. */
export const identifyErrors = {
  timedOut: (peer: string): CodedError => meshErrors.requestTimeout({ peer, protocol, timeoutMs }),
  invalid: (peer: string): CodedError => meshErrors.responseInvalid({ peer, protocol, reason: 'that is not an introduction' }),
} as const;
