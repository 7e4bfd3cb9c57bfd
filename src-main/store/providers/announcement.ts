import { z } from 'zod';
import { endsIn, type PeerId } from '../../base/index.ts';
import { cidBytes } from '../exchange/wire/cid.ts';
import { providerErrors } from './errors.ts';
import { MAX_ADDRESS_CHARS, MAX_ADDRESSES, MAX_ENTRIES, MAX_PIECES, MAX_TTL_MS } from './options.ts';

/** Some of a model: of its shards in order and then its vocabulary, one bit each, the lowest bit of the first byte first. */
export interface AnnouncedModel {
  readonly manifest: string;
  readonly pieces: Uint8Array;
}

/** What a node says that it has. Without time to live: that it leaves. */
export interface Announcement {
  /** The author's Unix time in milliseconds; all messages of one telling have the same. What is older than the last that was heard does not count. */
  readonly at: number;
  readonly ttlMs: number;
  /** Where shards are fetched, in the order to try. */
  readonly addresses: readonly string[];
  /** Of the process that is asked who has what. */
  readonly nodeAddresses: readonly string[];
  readonly models: readonly AnnouncedModel[];
  /** That belong to no manifest. */
  readonly shards: readonly string[];
  /** CIDs that it had and has not any more. */
  readonly gone: readonly string[];
}

export const cidSchema = z.string().max(64).refine((text) => cidBytes(text) !== undefined, 'is no CID of a shard or manifest');
const MAX_PIECES_CHARS = 4 * Math.ceil(MAX_PIECES / 8 / 3);
const addresses = z.array(z.string().startsWith('/').max(MAX_ADDRESS_CHARS)).max(MAX_ADDRESSES);

const wireSchema = z.strictObject({
  version: z.literal(1),
  at: z.int().min(0),
  ttl_s: z.int().min(0).max(MAX_TTL_MS / 1000),
  addresses,
  node: addresses,
  models: z.array(z.strictObject({ manifest: cidSchema, pieces: z.base64().max(MAX_PIECES_CHARS) })).max(MAX_ENTRIES),
  shards: z.array(cidSchema).max(MAX_ENTRIES),
  gone: z.array(cidSchema).max(MAX_ENTRIES),
}).refine(({ models, shards, gone }) => models.length + shards.length + gone.length <= MAX_ENTRIES, `more than ${MAX_ENTRIES} entries`);

export function encodeAnnouncement({ at, ttlMs, addresses: transfer, nodeAddresses, models, shards, gone }: Announcement): Uint8Array {
  const wire: z.input<typeof wireSchema> = {
    version: 1, at, ttl_s: Math.floor(ttlMs / 1000), addresses: [...transfer], node: [...nodeAddresses],
    models: models.map(({ manifest, pieces }) => ({ manifest, pieces: Buffer.from(pieces).toString('base64') })), shards: [...shards], gone: [...gone],
  };
  return Buffer.from(JSON.stringify(wire));
}

/** What `from` signed. Its addresses end in its own peer id: nobody is sent to a third one. Throws PROVIDERS_BAD_ANNOUNCEMENT. */
export function decodeAnnouncement(data: Uint8Array, from: PeerId): Announcement {
  const { at, ttl_s, addresses: transfer, node, models, shards, gone } = parse(data, from);
  if ([...transfer, ...node].some((address) => !endsIn(address, from))) throw providerErrors.badAnnouncement({ peer: from, reason: 'an address of somebody else' });
  return {
    at, ttlMs: ttl_s * 1000, addresses: transfer, nodeAddresses: node, shards, gone,
    models: models.map(({ manifest, pieces }) => ({ manifest, pieces: Buffer.from(pieces, 'base64') })),
  };
}

function parse(data: Uint8Array, peer: PeerId): z.output<typeof wireSchema> {
  try {
    return wireSchema.parse(JSON.parse(Buffer.from(data).toString('utf8')));
  } catch (error) {
    throw providerErrors.badAnnouncement({ peer, reason: reasonOf(error) }, error);
  }
}

export const reasonOf = (error: unknown): string => (error instanceof z.ZodError ? `${error.issues[0]?.path.join('.') ?? ''} ${error.issues[0]?.message ?? ''}`.trim() : 'no JSON');

/** A store's announcement in messages of at most 256 entries; at least one. */
export function pagesOf(all: Announcement): Announcement[] {
  const entries = [
    ...all.models.map((model) => ({ model })), ...all.shards.map((shard) => ({ shard })), ...all.gone.map((gone) => ({ gone })),
  ] as ReadonlyArray<{ readonly model?: AnnouncedModel; readonly shard?: string; readonly gone?: string }>;
  const pages = Math.max(1, Math.ceil(entries.length / MAX_ENTRIES));
  return Array.from({ length: pages }, (_, page) => {
    const some = entries.slice(page * MAX_ENTRIES, (page + 1) * MAX_ENTRIES);
    return {
      ...all, models: some.flatMap(({ model }) => (model === undefined ? [] : [model])),
      shards: some.flatMap(({ shard }) => (shard === undefined ? [] : [shard])), gone: some.flatMap(({ gone }) => (gone === undefined ? [] : [gone])),
    };
  });
}
