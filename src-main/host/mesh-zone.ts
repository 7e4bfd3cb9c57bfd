import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { asPeerId } from '../base/index.ts';
import { houseKey, readZoneKey, type IdentityOption, type ZoneKey, type ZoneOption, type ZoneOptions } from '../mesh/index.ts';
import type { HostConfig } from './config.ts';

/** Of the configuration what says whom a node meets; no secret is among it. */
export type ZoneSettings = Pick<HostConfig, 'home' | 'zone' | 'zoneKeyFile' | 'allowPeers' | 'sessionsPerSecond'>;

export const zoneSettings = ({ home, zone, zoneKeyFile, allowPeers, sessionsPerSecond }: HostConfig): ZoneSettings => ({ home, zone, zoneKeyFile, allowPeers, sessionsPerSecond });

export const bansPath = (home: string): string => join(home, 'bans.json');
export const identityPath = (home: string): string => join(home, 'identity.key');
export const zoneKeyPath = ({ home, zoneKeyFile }: Pick<ZoneSettings, 'home' | 'zoneKeyFile'>): string => zoneKeyFile ?? join(home, 'zone.key');

/** Reads the key where there is one. Throws ZONE_KEY_*, MESH_IDENTITY_*. */
export async function zoneOptions(settings: ZoneSettings): Promise<ZoneOptions> {
  return { zone: await zoneOption(settings), bansPath: bansPath(settings.home), sessionsPerSecond: settings.sessionsPerSecond };
}

async function zoneOption(settings: ZoneSettings): Promise<ZoneOption> {
  if (settings.zone !== 'private') return { kind: settings.zone };
  const allow = settings.allowPeers.map(asPeerId);
  const house = allow.length === 0 ? undefined : await houseKey(identityPath(settings.home));
  return { kind: 'private', key: await zoneKey(settings), allow, house };
}

/** An allow-list does without a key, unless one was named. */
async function zoneKey(settings: ZoneSettings): Promise<ZoneKey | undefined> {
  const path = zoneKeyPath(settings);
  const mayLack = settings.allowPeers.length > 0 && settings.zoneKeyFile === undefined;
  const isThere = await access(path).then(() => true, (error: NodeJS.ErrnoException) => error.code !== 'ENOENT');
  return mayLack && !isThere ? undefined : readZoneKey(path);
}

/** Under which name a passing process goes: a new one, except where an allow-list has to know it. */
export const passingIdentity = ({ home, zone, allowPeers }: ZoneSettings): IdentityOption =>
  (zone === 'private' && allowPeers.length > 0 ? { kind: 'file', path: identityPath(home) } : { kind: 'ephemeral' });
