import { hkdfSync } from 'node:crypto';
import { loadIdentity } from '../identity/identity.ts';
import type { ZoneKey } from './zone-key.ts';

const LABEL = 'omninode house key v1';

/**
 * What the processes of one home know and nobody else: an allow-list cannot name those that get a new peer id at each start (the
 * stages of a cluster, a passing fetch). Derived from the home's identity (RFC 5869). Throws MESH_IDENTITY_*.
 */
export async function houseKey(identityPath: string): Promise<ZoneKey> {
  const { raw } = await loadIdentity({ kind: 'file', path: identityPath });
  return new Uint8Array(hkdfSync('sha256', raw, '', LABEL, 32)) as ZoneKey;
}
