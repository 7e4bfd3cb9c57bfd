import { z } from 'zod';
import { asShardCid } from '../base/index.ts';
import { configSchema } from './config.ts';
import { wireErrorSchema } from './node-messages.ts';

/** What the app and its transfer process say to each other over the IPC channel. */

const { zone, zoneKeyFile, allowPeers, sessionsPerSecond } = configSchema.shape;
const zoneFields = { zone, zoneKeyFile, allowPeers, sessionsPerSecond };
const cid = z.string().max(128).transform(asShardCid);
const bytesPerSecond = z.number().positive().optional();
const addresses = z.array(z.string().max(512)).max(1024);
const id = z.number().int().min(0);

export const toTransferSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'), home: z.string().min(1), listen: addresses, logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    /** The file that the key is read from: the key itself is in no message. */
    identityPath: z.string().optional(), storeQuotaBytes: z.number().optional(), uploadBytesPerSecond: bytesPerSecond, uploadBytesPerSecondPerPeer: bytesPerSecond, bitswap: z.boolean().optional(),
    /** Whom the process meets; the zone's key is read from its file too. */
    ...zoneFields,
  }),
  z.strictObject({
    type: z.literal('fetch'), id, shards: z.array(z.strictObject({ cid, sizeBytes: z.number().int().min(1), fileName: z.string().max(128) })).max(1024),
    peers: addresses, urls: addresses, downloadBytesPerSecond: bytesPerSecond, patienceMs: z.number().min(0).optional(),
  }),
  /** More peers for a fetch that is under way. */
  z.strictObject({ type: z.literal('peers'), id, peers: addresses }),
  z.strictObject({ type: z.literal('block'), id, cid, peers: addresses }),
  z.strictObject({ type: z.literal('cancel'), id }),
  z.strictObject({ type: z.literal('stop') }),
]);
export type ToTransfer = z.infer<typeof toTransferSchema>;
export type StartTransfer = Extract<ToTransfer, { type: 'start' }>;
/** As it is sent: what is left out takes its default. */
export type StartTransferMessage = Extract<z.input<typeof toTransferSchema>, { type: 'start' }>;

const report = z.strictObject({
  bytesTotal: z.number(), bytesFetched: z.number(), bytesTwice: z.number(),
  sources: z.array(z.strictObject({ name: z.string(), bytes: z.number(), error: wireErrorSchema.optional() })),
});
export type TransferReport = z.infer<typeof report>;

const event = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('progress'), bytesDone: z.number(), bytesTotal: z.number() }),
  z.strictObject({ kind: z.literal('shard'), cid: z.string() }),
  z.strictObject({ kind: z.literal('stalled'), source: z.string() }),
  z.strictObject({ kind: z.literal('dropped'), source: z.string(), error: wireErrorSchema }),
]);
export type TransferEvent = z.infer<typeof event>;

export const fromTransferSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), peerId: z.string().min(1), addresses }),
  z.strictObject({ type: z.literal('failed'), id: id.optional(), error: wireErrorSchema }),
  z.strictObject({ type: z.literal('event'), id, event }),
  z.strictObject({ type: z.literal('fetched'), id, report }),
  z.strictObject({ type: z.literal('block'), id, bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array) }),
]);
export type FromTransfer = z.infer<typeof fromTransferSchema>;
