import type { CodedError } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { CAPABILITY_PROTOCOL as protocol, CAPABILITY_RATE, CAPABILITY_TIMEOUT_MS as timeoutMs } from './constants.ts';

/** What this protocol can end with, besides what opening a stream can. */
export const capabilityProtocolErrors = {
  timedOut: (peer: string): CodedError => meshErrors.requestTimeout({ peer, protocol, timeoutMs }),
  invalid: (peer: string, reason: string): CodedError => meshErrors.responseInvalid({ peer, protocol, reason }),
  tooMany: (peer: string): CodedError => meshErrors.tooManyRequests({ peer, protocol, perSecond: CAPABILITY_RATE.perSecond }),
} as const;
