import { DirectLinks } from './direct/direct-links.ts';
import { loadIdentity } from './identity/identity.ts';
import { createSigner } from './identity/signature.ts';
import { createMeshLibp2p } from './node/create-libp2p.ts';
import { MeshNode } from './node/mesh-node.ts';
import { meshMetrics } from './metrics.ts';
import type { MeshComponents, MeshOptions } from './options.ts';
import { Transports } from './transports/transports.ts';
import type { Mesh } from './types.ts';

export { loadSigner } from './identity/load-signer.ts';
export { verifySignature } from './identity/signature.ts';
export * from './discovery/index.ts';
export { formatZoneKey, newZoneKey, parseZoneKey, readZoneKey, writeZoneKey, ZONE_KEY_BYTES, zoneName, type ZoneKey } from './zone/zone-key.ts';
export { DHT_PROTOCOL } from './options.ts';
export { MAX_BYTES_PER_SECOND as MAX_TOLD_BYTES_PER_SECOND } from './protocols/bandwidth/constants.ts';
export { meshErrors, type DialReason } from './errors.ts';
export type { IceServers, IdentityOption, MeshComponents, MeshOptions, RelayServerOptions } from './options.ts';
export { TRANSPORT_KINDS, type TransportKind } from './transports/kinds.ts';
export * from './types.ts';
export * from './capability/index.ts';

/** A mesh node, not started. Throws MESH_IDENTITY_*, MESH_TRANSPORT_UNAVAILABLE; its `start` throws MESH_PORT_IN_USE or MESH_LISTEN_FAILED. */
export async function createMesh(options: MeshOptions, components: MeshComponents): Promise<Mesh> {
  const privateKey = await loadIdentity(options.identity);
  const metrics = meshMetrics(components.metrics);
  const direct = new DirectLinks(privateKey, components.clock);
  const transports = new Transports({ iceServers: options.iceServers ?? [] });
  const libp2p = await createMeshLibp2p(privateKey, options, { clock: components.clock, refused: metrics.refused, direct, transports });
  return new MeshNode(libp2p, options, { ...components, metrics, direct, transports, signer: createSigner(privateKey) });
}
