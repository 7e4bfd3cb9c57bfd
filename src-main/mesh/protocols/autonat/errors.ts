import type { CodedError } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { AUTONAT_TIMEOUT_MS as timeoutMs, DIAL_BACK_PROTOCOL, DIAL_REQUEST_PROTOCOL as protocol } from './constants.ts';

/** What this protocol can end with, besides what opening a stream can. */
export const autonatErrors = {
  timedOut: (peer: string): CodedError => meshErrors.requestTimeout({ peer, protocol, timeoutMs }),
  invalid: (peer: string, reason: string): CodedError => meshErrors.responseInvalid({ peer, protocol, reason }),
  wrongDialBack: (peer: string): CodedError => meshErrors.responseInvalid({ peer, protocol: DIAL_BACK_PROTOCOL, reason: 'nobody had asked for this dial' }),
} as const;
