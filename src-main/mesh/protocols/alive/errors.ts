import type { CodedError } from '../../../base/index.ts';
import { meshErrors } from '../../errors.ts';
import { ALIVE_PROTOCOL as protocol } from './constants.ts';

export const aliveErrors = {
  invalid: (peer: string): CodedError => meshErrors.responseInvalid({ peer, protocol, reason: 'that is no sign of life' }),
} as const;
