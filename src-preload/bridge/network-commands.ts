import { z } from 'zod';
import { command, nothing } from './command.ts';
import { aboutPeerSchema, blockedSchema, knownSchema, netCheckSchema, NETWORK_LIMITS } from './network.ts';

const subject = z.string().trim().min(1).max(128);
const checkId = z.string().min(1).max(64);
const BANS = ['ZONE_BANS_UNREADABLE'] as const;

/** Who is known, who is refused, and why one is not reached. */
export const networkCommands = {
  /** Best first; of at most `NETWORK_LIMITS.known` nodes. */
  'network.known': command(nothing, z.object({ peers: z.array(knownSchema).max(NETWORK_LIMITS.known).readonly() })),
  'network.about': command(z.strictObject({ peerId: subject }), aboutPeerSchema),
  'network.blocked': command(nothing, z.object({ blocked: z.array(blockedSchema).max(NETWORK_LIMITS.blocked).readonly(), total: z.number().int().min(0) }), BANS),
  /** Refuses a peer or an IP address, for all processes of this home, and ends its connections; without a duration until it is lifted. */
  'network.block': command(
    z.strictObject({ subject, reason: z.string().trim().max(NETWORK_LIMITS.reasonChars).default(''), durationMs: z.number().int().min(1_000).max(NETWORK_LIMITS.maxBlockMs).exactOptional() }),
    blockedSchema, ['ZONE_BAD_SUBJECT', 'ZONE_BANS_FULL', 'HOST_BLOCKS_ITSELF', ...BANS],
  ),
  'network.unblock': command(z.strictObject({ subject }), z.object({ wasBlocked: z.boolean() }), ['ZONE_BAD_SUBJECT', ...BANS]),
  /** Begins to look why others are not reached; `target`: only one, by its peer id or address. One check at a time: a new one ends the one before. */
  'network.check': command(z.strictObject({ target: z.string().trim().min(1).max(NETWORK_LIMITS.targetChars).exactOptional() }), z.object({ checkId })),
  /** How that check stands, once it stands otherwise than at `seen`; without news after some seconds, as it is. */
  'network.checked': command(z.strictObject({ checkId, seen: z.number().int().min(0).default(0) }), netCheckSchema, ['HOST_CHECK_GONE']),
  'network.cancelCheck': command(z.strictObject({ checkId }), z.object({ isCancelled: z.boolean() })),
} as const;
