import type { CodedError } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { PEERS_PROTOCOL as protocol, PEERS_RATE, PEERS_TIMEOUT_MS as timeoutMs } from './constants.ts';

/** What this protocol can end with, besides what opening a stream can. */
export const peersErrors = {
  timedOut: (peer: string): CodedError => meshErrors.requestTimeout({ peer, protocol, timeoutMs }),
  invalid: (peer: string, what: string): CodedError => meshErrors.responseInvalid({ peer, protocol, reason: `that is no ${what}` }),
  tooMany: (peer: string): CodedError => meshErrors.tooManyRequests({ peer, protocol, perSecond: PEERS_RATE.perSecond }),
} as const;
