import { basename, relative } from 'node:path';
import { peerOf, type PeerId } from '../base/index.ts';
import { inviteErrors, readInvite, writeZoneKey, zoneName, type Invite, type InviteZone } from '../mesh/index.ts';
import { configPath, MAX_NAMED_PEERS, readConfigFile, type ConfigSource, type HostConfig } from './config.ts';
import { updateConfigFile } from './config-file.ts';
import { hostErrors } from './errors.ts';
import { zoneKeyAt, zoneKeyPath } from './mesh-zone.ts';

export interface JoinRequest {
  readonly config: HostConfig;
  /** This node's own. */
  readonly peerId: PeerId;
  readonly nowMs: number;
}

/** What an invitation says, and what joining would change here. Holds no secret: it may be shown. */
export interface JoinPlan {
  readonly inviter: PeerId;
  readonly zone: InviteZone;
  /** Of a private zone with a key: its name, which tells nothing of the key. */
  readonly zoneName: string | undefined;
  readonly expiresAtMs: number;
  readonly addresses: readonly string[];
  /** In words, in order. */
  readonly steps: readonly string[];
  /** A node that runs must be started anew to be in the zone; else it connects at once. */
  readonly needsRestart: boolean;
}

/** Checks the whole invitation against this home; changes nothing. Throws INVITE_*, HOST_OTHER_ZONE, HOST_LEAVES_ZONE, HOST_TOO_MANY_PEERS. */
export async function planJoin(link: string, request: JoinRequest): Promise<JoinPlan> {
  return planOf(await read(link, request), request);
}

/** Does what the plan says: the key's file first, then the configuration, each whole or not at all. Done twice it is as done once. */
export async function joinZone(link: string, request: JoinRequest): Promise<JoinPlan> {
  const { config } = request;
  const invite = await read(link, request);
  const plan = await planOf(invite, request);
  const path = zoneKeyPath(config);
  if (invite.zoneKey !== undefined && await zoneKeyAt(path) === undefined) await writeZoneKey(path, invite.zoneKey);
  await updateConfigFile(config.home, (source) => withMember(source, invite, config));
  return plan;
}

async function read(link: string, { peerId, nowMs }: JoinRequest): Promise<Invite> {
  const invite = await readInvite(link, nowMs);
  if (invite.inviter === peerId) throw inviteErrors.own({});
  return invite;
}

async function planOf(invite: Invite, { config, peerId }: JoinRequest): Promise<JoinPlan> {
  const { inviter, zone, zoneKey, expiresAtMs, addresses } = invite;
  await checkZone(invite, config);
  const path = zoneKeyPath(config);
  const source = await readConfigFile(configPath(config.home));
  const next = withMember(source, invite, config);
  const isNewKey = zoneKey !== undefined && await zoneKeyAt(path) === undefined;
  const isNewZone = next['zone'] !== source['zone'];
  const isNewList = next['allowPeers'] !== source['allowPeers'];
  const steps = [
    ...(isNewKey ? [`keep the zone's key in ${shown(path, config.home)}, for this user alone`] : []),
    ...(isNewZone ? [`set zone: ${String(next['zone'])} in config.json: ${MEANING[zone]}`] : []),
    ...(isNewList ? [`allow ${inviter} in config.json (allowPeers)`] : []),
    ...(JSON.stringify(next['peers']) === JSON.stringify(source['peers']) ? [] : [`name ${addresses.length === 1 ? 'its address' : `its ${addresses.length} addresses`} in config.json (peers)`]),
    ...(zone === 'private' && zoneKey === undefined ? [`then its owner has to allow this node there: allowPeers, ${peerId}`] : []),
  ];
  return { inviter, zone, zoneName: zoneKey === undefined ? undefined : zoneName(zoneKey), expiresAtMs, addresses, steps, needsRestart: isNewKey || isNewZone || isNewList };
}

const MEANING: Readonly<Record<InviteZone, string>> = {
  local: 'this machine and private networks', private: 'only members of the zone are met', public: 'anybody on the internet may connect',
};

/** A key is never replaced, and no zone left by the way. */
async function checkZone({ zone, zoneKey }: Invite, config: HostConfig): Promise<void> {
  if (config.zone === 'private' && zone !== 'private') throw hostErrors.leavesZone({ zone });
  if (zone !== 'private') return;
  const path = zoneKeyPath(config);
  const own = await zoneKeyAt(path);
  const [theirs, ours] = [zoneKey, own].map((key) => (key === undefined ? 'without a key' : zoneName(key))) as [string, string];
  const isElsewhere = own !== undefined ? theirs !== ours : config.zone === 'private' && config.allowPeers.length > 0 && zoneKey !== undefined;
  if (isElsewhere) throw hostErrors.otherZone({ zone: theirs, own: own === undefined ? 'one without a key' : ours, path });
}

/** The configuration file with the inviter as a member: its newest addresses stand for the older ones. */
function withMember(source: ConfigSource, { inviter, zone, zoneKey, addresses }: Invite, config: HostConfig): ConfigSource {
  const named = listOf(source['peers']).filter((address) => peerOf(address) !== inviter);
  const peers = [...named, ...addresses];
  if (peers.length > MAX_NAMED_PEERS) throw hostErrors.tooManyPeers({ limit: MAX_NAMED_PEERS });
  const isWider = config.zone === 'public' && zone === 'local';
  const allowed = listOf(source['allowPeers']);
  return {
    ...source, peers,
    ...(isWider || config.zone === zone ? {} : { zone }),
    ...(zone === 'private' && (zoneKey === undefined || allowed.length > 0) && !allowed.includes(inviter) ? { allowPeers: [...allowed, inviter] } : {}),
  };
}

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
const shown = (path: string, home: string): string => { const inside = relative(home, path); return inside.startsWith('..') ? path : basename(inside) === inside ? inside : path; };
