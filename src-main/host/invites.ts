import { withPeer } from '../base/index.ts';
import { createInvite, DEFAULT_INVITE_TTL_MS, inviteErrors, MAX_INVITE_ADDRESSES, reachOf, type InviteZone, type Reach, type Signer } from '../mesh/index.ts';
import type { HostConfig } from './config.ts';
import { zoneKeyIn } from './mesh-zone.ts';
import { worthNaming } from './own-addresses.ts';

export interface InviteRequest {
  /** Of this node, with its peer id or without. */
  readonly addresses: readonly string[];
  readonly ttlMs?: number | undefined;
  readonly nowMs: number;
}

export interface MadeInvite {
  /** May hold the zone's key: for the owner's eyes, and whom he gives it to. */
  readonly link: string;
  readonly zone: InviteZone;
  readonly hasKey: boolean;
  readonly expiresAtMs: number;
  readonly addresses: readonly string[];
  /** From where somebody can use it; undefined for a name. */
  readonly reach: Reach | undefined;
}

/** An invitation to this node's zone, signed with its key. Throws INVITE_NO_ADDRESS, INVITE_BAD_ADDRESS, INVITE_TOO_LONG, ZONE_*. */
export async function makeInvite(config: HostConfig, signer: Signer, { addresses, ttlMs = DEFAULT_INVITE_TTL_MS, nowMs }: InviteRequest): Promise<MadeInvite> {
  const named = worthNaming(addresses.map((address) => withPeer(address, signer.peerId))).slice(0, MAX_INVITE_ADDRESSES);
  const [first] = named;
  if (first === undefined) throw inviteErrors.noAddress({});
  const expiresAtMs = Math.floor((nowMs + ttlMs) / 1000) * 1000;
  const zoneKey = config.zone === 'private' ? await zoneKeyIn(config) : undefined;
  const link = await createInvite(signer, { zone: config.zone, zoneKey, addresses: named, expiresAtMs }, nowMs);
  return { link, zone: config.zone, hasKey: zoneKey !== undefined, expiresAtMs, addresses: named, reach: reachOf(first) };
}
