import { z } from 'zod';
import { asPeerId, firstIssue, isCoded, type PeerId } from '../../base/index.ts';
import { isSignedBy } from '../identity/signature.ts';
import type { Signer } from '../types.ts';
import { capabilityErrors } from './errors.ts';
import { MAX_LOST, MAX_MESSAGE_BYTES, MAX_TTL_MS, SIGNATURE_BYTES, VERSION } from './options.ts';
import { profileSchema, type Profile } from './profile.ts';

/** Which of an author's messages, and how long it counts. */
interface Stamp {
  readonly peer: PeerId;
  /** When the author began, unix ms: a later one overrules all of an earlier one. */
  readonly run: number;
  /** Rises with every message of a run. */
  readonly seq: number;
  /** Unix ms as the author's run has it: `run` and the time since then. */
  readonly at: number;
  readonly ttlMs: number;
}

/** A node that the author lost, and the newest message it had of it: what is newer says that it is there. */
export type Loss = Pick<Stamp, 'peer' | 'run' | 'seq'>;

export type CapabilityMessage =
  /** What a node is and can do. */
  | Stamp & { readonly kind: 'ad'; readonly profile: Profile }
  /** It is still there; `ad` is the seq of what it told last. Version 1.1: `lost`. */
  | Stamp & { readonly kind: 'alive'; readonly ad: number; readonly lost?: readonly Loss[] }
  /** It leaves. */
  | Stamp & { readonly kind: 'bye' };

/** A message with its author's signature, as it goes round: 64 bytes of Ed25519, then UTF-8 JSON. */
export interface Envelope {
  readonly message: CapabilityMessage;
  readonly bytes: Uint8Array;
}

const PREFIX = Buffer.from('omninode capability 1\n');
const signedBytes = (body: Uint8Array): Uint8Array => Buffer.concat([PREFIX, body]);

const time = z.int().min(0).max(8.64e15);
const stamp = {
  version: z.string().regex(/^\d{1,4}\.\d{1,4}$/), peer: z.string().min(1).max(128), run: time, seq: z.int().min(1), at: time, ttlMs: z.int().min(0).max(MAX_TTL_MS),
};
const lossSchema = z.object({ peer: stamp.peer.transform(asPeerId), run: time, seq: stamp.seq });
const bodySchema = z.discriminatedUnion('kind', [
  z.object({ ...stamp, kind: z.literal('ad'), profile: profileSchema }),
  z.object({ ...stamp, kind: z.literal('alive'), ad: z.int().min(1), lost: z.array(lossSchema).min(1).max(MAX_LOST).readonly().exactOptional() }),
  z.object({ ...stamp, kind: z.literal('bye') }),
]).refine(({ run, at }) => at >= run, 'at is before run');
const versionSchema = z.object({ version: stamp.version });

/** @throws CAPABILITY_TOO_LARGE */
export async function seal(message: CapabilityMessage, signer: Signer): Promise<Envelope> {
  const body = Buffer.from(JSON.stringify({ version: `${VERSION.major}.${VERSION.minor}`, ...message }));
  const sizeBytes = SIGNATURE_BYTES + body.byteLength;
  if (sizeBytes > MAX_MESSAGE_BYTES) throw capabilityErrors.tooLarge({ sizeBytes, limitBytes: MAX_MESSAGE_BYTES });
  return { message, bytes: Buffer.concat([await signer.sign(signedBytes(body)), body]) };
}

/** What its author signed. @throws CAPABILITY_INVALID, CAPABILITY_VERSION_UNKNOWN, CAPABILITY_FORGED */
export function open(bytes: Uint8Array): Envelope {
  if (bytes.byteLength > MAX_MESSAGE_BYTES) throw capabilityErrors.invalid({ reason: `${bytes.byteLength} bytes` });
  const body = bytes.subarray(SIGNATURE_BYTES);
  const message = parse(body);
  if (!isSignedBy(message.peer, signedBytes(body), bytes.subarray(0, SIGNATURE_BYTES))) throw capabilityErrors.forged({ peer: message.peer });
  return { message, bytes };
}

function parse(body: Uint8Array): CapabilityMessage {
  const json = parseJson(body);
  const told = versionSchema.safeParse(json);
  if (!told.success) throw capabilityErrors.invalid({ reason: 'no version' });
  const [major, minor] = told.data.version.split('.').map(Number);
  if (major !== VERSION.major) throw capabilityErrors.versionUnknown({ version: told.data.version });
  const parsed = bodySchema.safeParse(json);
  if (parsed.success) {
    const { version: _, ...message } = parsed.data;
    return { ...message, peer: asPeerId(message.peer) };
  }
  // A newer minor version may have kinds of message that we do not know.
  if ((minor ?? 0) > VERSION.minor) throw capabilityErrors.versionUnknown({ version: told.data.version });
  throw capabilityErrors.invalid({ reason: firstIssue(parsed.error) });
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw capabilityErrors.invalid({ reason: 'no JSON' }, error);
  }
}

/** Whether passing it on was wrong, too: what we are too old for is not. */
export const isWrong = (error: unknown): boolean => !isCoded(error, 'CAPABILITY_VERSION_UNKNOWN');
