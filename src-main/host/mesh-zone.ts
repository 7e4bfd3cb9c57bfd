import { join } from 'node:path';
import { asPeerId, isCoded } from '../base/index.ts';
import { houseKey, loadSigner, readZoneKey, type IdentityOption, type Signer, type ZoneKey, type ZoneOption, type ZoneOptions } from '../mesh/index.ts';
import type { HostConfig } from './config.ts';

/** Of the configuration what says whom a node meets; no secret is among it. */
export type ZoneSettings = Pick<HostConfig, 'home' | 'zone' | 'zoneKeyFile' | 'allowPeers' | 'sessionsPerSecond'>;

export const zoneSettings = ({ home, zone, zoneKeyFile, allowPeers, sessionsPerSecond }: HostConfig): ZoneSettings => ({ home, zone, zoneKeyFile, allowPeers, sessionsPerSecond });

export const bansPath = (home: string): string => join(home, 'bans.json');
export const identityPath = (home: string): string => join(home, 'identity.key');
export const zoneKeyPath = ({ home, zoneKeyFile }: Pick<ZoneSettings, 'home' | 'zoneKeyFile'>): string => zoneKeyFile ?? join(home, 'zone.key');

/** Reads the key where there is one. `isPassing`: of a process with an id of its own, for which this home answers where a list has its name. Throws ZONE_KEY_*, MESH_IDENTITY_*. */
export async function zoneOptions(settings: ZoneSettings, { isPassing = false }: { readonly isPassing?: boolean } = {}): Promise<ZoneOptions> {
  return { zone: await zoneOption(settings, isPassing), bansPath: bansPath(settings.home), knocksPath: join(settings.home, 'knocks'), sessionsPerSecond: settings.sessionsPerSecond };
}

async function zoneOption(settings: ZoneSettings, isPassing: boolean): Promise<ZoneOption> {
  if (settings.zone !== 'private') return { kind: settings.zone };
  const allow = settings.allowPeers.map(asPeerId);
  const house = allow.length === 0 ? undefined : await houseKey(identityPath(settings.home));
  const sponsor = isPassing && allow.length > 0 ? { sponsorPath: identityPath(settings.home) } : {};
  return { kind: 'private', key: await zoneKeyIn(settings), allow, house, ...sponsor };
}

/** Of a private zone. An allow-list does without a key, unless one was named: undefined. Throws ZONE_KEY_*. */
export async function zoneKeyIn(settings: Pick<ZoneSettings, 'home' | 'zoneKeyFile' | 'allowPeers'>): Promise<ZoneKey | undefined> {
  const mayLack = settings.allowPeers.length > 0 && settings.zoneKeyFile === undefined;
  return (mayLack ? zoneKeyAt : readZoneKey)(zoneKeyPath(settings));
}

/** Undefined where there is none. Throws ZONE_KEY_CORRUPT, ZONE_KEY_READABLE_BY_OTHERS. */
export async function zoneKeyAt(path: string): Promise<ZoneKey | undefined> {
  return readZoneKey(path).catch((error: unknown) => {
    if (isCoded(error, 'ZONE_KEY_MISSING')) return undefined;
    throw error;
  });
}

/** Signs as the node of this home. Throws MESH_IDENTITY_*. */
export const ownSigner = (home: string): Promise<Signer> => loadSigner({ kind: 'file', path: identityPath(home) });

/** Under which name a process that moves shards for a command goes: a new one, except where others have to dial it, and an allow-list to know it. */
export const passingIdentity = ({ home, zone, allowPeers }: ZoneSettings): IdentityOption =>
  (zone === 'private' && allowPeers.length > 0 ? { kind: 'file', path: identityPath(home) } : { kind: 'ephemeral' });
