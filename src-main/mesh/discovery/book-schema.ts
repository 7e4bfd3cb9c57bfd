import { z } from 'zod';
import { asPeerId, endsIn } from '../../base/index.ts';
import { MAX_ADDRESS_CHARS, MAX_ADDRESSES_PER_PEER, MAX_MET_PEERS, MAX_PROVEN_PEERS } from './options.ts';

/**
 * How far an address is to be believed. `dialled`: we connected there, and the peer's key answered. `vouched`: the peer says so, and came
 * from that very host. `said`: the peer says so.
 */
export const PROOFS = ['dialled', 'vouched', 'said'] as const;
export type Proof = (typeof PROOFS)[number];

const count = z.number().int().min(0).max(1e6);
const unixMs = z.number().min(0).max(8.64e15);

const addressSchema = z.strictObject({ address: z.string().min(1).max(MAX_ADDRESS_CHARS).startsWith('/'), proof: z.enum(PROOFS), failures: count });
export type BookAddress = z.infer<typeof addressSchema>;

const peerSchema = z.strictObject({
  peer: z.string().min(1).max(128).transform(asPeerId),
  addresses: z.array(addressSchema).min(1).max(MAX_ADDRESSES_PER_PEER).readonly(),
  /** When it was connected last. */
  seenAt: unixMs,
  /** Tries in a row that reached it nowhere. */
  failures: count,
  rttMs: z.number().min(0).max(1e9).exactOptional(),
}).refine(({ peer, addresses }) => addresses.every(({ address }) => endsIn(address, peer)), { error: 'an address is not of its peer' });
export type BookPeer = z.infer<typeof peerSchema>;

export const bookSchema = z.strictObject({ version: z.literal(1), peers: z.array(peerSchema).max(MAX_PROVEN_PEERS + MAX_MET_PEERS).readonly() });
/** What the file holds. */
export type BookContent = z.infer<typeof bookSchema>;
