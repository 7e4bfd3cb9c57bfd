import { z } from 'zod';
import { asPeerId, endsIn, type PeerId, type RateLimiter } from '../../base/index.ts';
import type { BlockStream } from '../exchange/ports.ts';
import { cidSchema, reasonOf } from './announcement.ts';
import { providerErrors } from './errors.ts';
import { ANSWER_TIMEOUT_MS, MAX_ADDRESS_CHARS, MAX_ADDRESSES, MAX_ANSWERS, MAX_QUESTION_CIDS, MAX_TTL_MS } from './options.ts';

/** Somebody who said to have some of what was asked for. Addresses end in its peer id; nobody has dialled them. */
export interface ToldProvider {
  readonly peer: PeerId;
  /** In the order to try. */
  readonly addresses: readonly string[];
  readonly cids: readonly string[];
  readonly ttlMs: number;
}

const questionSchema = z.strictObject({ version: z.literal(1), cids: z.array(cidSchema).min(1).max(MAX_QUESTION_CIDS) });
const answerSchema = z.strictObject({
  version: z.literal(1),
  providers: z.array(z.strictObject({
    peer: z.string().min(1).max(128),
    addresses: z.array(z.string().startsWith('/').max(MAX_ADDRESS_CHARS)).min(1).max(MAX_ADDRESSES),
    /** Places in the question's list. */
    has: z.array(z.int().min(0).max(MAX_QUESTION_CIDS - 1)).min(1).max(MAX_QUESTION_CIDS),
    ttl_s: z.int().min(0).max(MAX_TTL_MS / 1000),
  })).max(MAX_ANSWERS),
});

export interface AskOptions {
  readonly cids: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Asks a peer whom it knows to have these (at most 64); ends the stream. Throws PROVIDERS_BAD_ANSWER, PROVIDERS_NO_ANSWER and what ends a stream. */
export async function askForProviders(stream: BlockStream, { cids, signal }: AskOptions): Promise<readonly ToldProvider[]> {
  const asked = cids.slice(0, MAX_QUESTION_CIDS);
  const late = setTimeout(() => stream.abort(providerErrors.noAnswer({ peer: stream.peer, waitedMs: ANSWER_TIMEOUT_MS })), ANSWER_TIMEOUT_MS);
  const onAbort = (): void => stream.abort(providerErrors.noAnswer({ peer: stream.peer, waitedMs: 0 }));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  try {
    await stream.send(Buffer.from(JSON.stringify({ version: 1, cids: asked })));
    const { value, done } = await stream[Symbol.asyncIterator]().next();
    if (done === true) throw providerErrors.badAnswer({ peer: stream.peer, reason: 'it ended the stream' });
    return readAnswer(value, asked, stream.peer);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener('abort', onAbort);
    void stream.close().catch(() => undefined);
  }
}

function readAnswer(bytes: Uint8Array, asked: readonly string[], peer: PeerId): ToldProvider[] {
  try {
    const { providers } = answerSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return providers.map((told) => ({
      peer: asPeerId(told.peer), addresses: told.addresses.filter((address) => endsIn(address, told.peer)), ttlMs: told.ttl_s * 1000,
      cids: told.has.flatMap((index) => asked[index] ?? []),
    })).filter(({ addresses, cids }) => addresses.length > 0 && cids.length > 0);
  } catch (error) {
    throw providerErrors.badAnswer({ peer, reason: reasonOf(error) }, error);
  }
}

export interface AnswerOptions {
  /** By peer. */
  readonly rate: RateLimiter;
  readonly providers: (cids: readonly string[]) => readonly ToldProvider[];
}

/** Answers one question and ends. Never throws: what the peer did wrong ends its stream. */
export async function answerForProviders(stream: BlockStream, { rate, providers }: AnswerOptions): Promise<void> {
  try {
    const { value, done } = await stream[Symbol.asyncIterator]().next();
    if (done === true) return await stream.close();
    if (!rate.take(stream.peer)) throw providerErrors.badQuestion({ peer: stream.peer, reason: 'too often' });
    const cids = readQuestion(value, stream.peer);
    await stream.send(encodeAnswer(cids, providers(cids)));
    await stream.close();
  } catch (error) {
    stream.abort(error instanceof Error ? error : providerErrors.badQuestion({ peer: stream.peer, reason: 'unknown' }, error));
  }
}

function readQuestion(bytes: Uint8Array, peer: PeerId): readonly string[] {
  try {
    return questionSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).cids;
  } catch (error) {
    throw providerErrors.badQuestion({ peer, reason: reasonOf(error) }, error);
  }
}

/** As many as fit into a frame. */
function encodeAnswer(asked: readonly string[], told: readonly ToldProvider[]): Uint8Array {
  const places = new Map(asked.map((cid, index) => [cid, index]));
  const providers = told.slice(0, MAX_ANSWERS).map(({ peer, addresses, cids, ttlMs }) => ({
    peer, addresses: addresses.slice(0, MAX_ADDRESSES), has: cids.flatMap((cid) => places.get(cid) ?? []), ttl_s: Math.max(0, Math.floor(ttlMs / 1000)),
  })).filter(({ has, addresses }) => has.length > 0 && addresses.length > 0);
  for (;;) {
    const bytes = Buffer.from(JSON.stringify({ version: 1, providers }));
    if (bytes.length <= MAX_ANSWER_BYTES || providers.length === 0) return bytes;
    providers.length >>= 1;
  }
}

const MAX_ANSWER_BYTES = 60 * 1024;
