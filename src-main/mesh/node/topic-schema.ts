import { isUtf8 } from 'node:buffer';
import type { CodedError } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import { TOPIC_MAX_BYTES } from '../options.ts';
import type { Topic } from '../types.ts';

/** What a topic's bytes must be, where its messages are defined. The domain that defines a message adds its check here. */
const CHECKS: Partial<Record<Topic, { readonly holds: (data: Uint8Array) => boolean; readonly what: string }>> = {
  'omni/test/v1': { holds: isUtf8, what: 'UTF-8 text' },
};

/** Why a message may not pass, ours as well as a peer's: MESH_MESSAGE_TOO_LARGE, MESH_MESSAGE_INVALID. */
export function messageError(topic: Topic, data: Uint8Array): CodedError | undefined {
  const [limitBytes, check] = [TOPIC_MAX_BYTES[topic], CHECKS[topic]];
  if (data.byteLength > limitBytes) return meshErrors.messageTooLarge({ topic, sizeBytes: data.byteLength, limitBytes });
  if (check?.holds(data) === false) return meshErrors.messageInvalid({ topic, what: check.what });
  return undefined;
}
