import type { CodedError } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { LOSS_PROTOCOL as protocol, LOSS_RATE, LOSS_TIMEOUT_MS as timeoutMs } from './constants.ts';

/** What this protocol can end with, besides what opening a stream can. */
export const lossErrors = {
  timedOut: (peer: string): CodedError => meshErrors.requestTimeout({ peer, protocol, timeoutMs }),
  invalid: (peer: string, reason: string): CodedError => meshErrors.responseInvalid({ peer, protocol, reason }),
  tooMany: (peer: string): CodedError => meshErrors.tooManyRequests({ peer, protocol, perSecond: LOSS_RATE.perSecond }),
} as const;
