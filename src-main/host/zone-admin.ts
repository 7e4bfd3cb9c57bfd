import { systemClock } from '../base/index.ts';
import { BanList, newZoneKey, writeZoneKey, zoneName, type Ban } from '../mesh/index.ts';
import type { HostConfig } from './config.ts';
import { bansPath, ownSigner, zoneKeyAt, zoneKeyPath } from './mesh-zone.ts';

/** What the owner may know of the zone; the key itself is never shown. */
export interface ZoneReport {
  readonly zone: HostConfig['zone'];
  readonly peerId: string;
  readonly keyName: string | null;
  readonly keyPath: string;
  readonly allowPeers: readonly string[];
  readonly sessionsPerSecond: number;
}

/** Throws ZONE_KEY_CORRUPT, ZONE_KEY_READABLE_BY_OTHERS, MESH_IDENTITY_*. */
export async function zoneReport(config: HostConfig): Promise<ZoneReport> {
  const keyPath = zoneKeyPath(config);
  const key = await zoneKeyAt(keyPath);
  return {
    zone: config.zone, peerId: (await ownSigner(config.home)).peerId,
    keyName: key === undefined ? null : zoneName(key), keyPath, allowPeers: config.allowPeers, sessionsPerSecond: config.sessionsPerSecond,
  };
}

/** Founds a zone. Throws ZONE_KEY_EXISTS. */
export async function newZone(config: HostConfig): Promise<{ readonly name: string; readonly path: string }> {
  const [key, path] = [newZoneKey(), zoneKeyPath(config)];
  await writeZoneKey(path, key);
  return { name: zoneName(key), path };
}

const bansOf = ({ home }: HostConfig): BanList => new BanList(bansPath(home), systemClock);

/** Those in force. Throws ZONE_BANS_UNREADABLE. */
export const listBans = (config: HostConfig): Promise<readonly Ban[]> => bansOf(config).list();

/** Throws ZONE_BAD_SUBJECT, ZONE_BANS_FULL, ZONE_BANS_UNREADABLE. */
export const addBan = (config: HostConfig, subject: string, ban: { readonly reason: string; readonly durationMs?: number | undefined }): Promise<Ban> => bansOf(config).add(subject, ban);

/** False when there was none. Throws ZONE_BAD_SUBJECT, ZONE_BANS_UNREADABLE. */
export const removeBan = (config: HostConfig, subject: string): Promise<boolean> => bansOf(config).remove(subject);
