import { composeMesh } from './node/compose-mesh.ts';
import type { MeshComponents, MeshOptions } from './options.ts';
import type { Mesh } from './types.ts';

export { loadSigner } from './identity/load-signer.ts';
export { askOnce } from './streams/ask-once.ts';
export { verifySignature } from './identity/signature.ts';
export * from './discovery/index.ts';
export { formatZoneKey, newZoneKey, parseZoneKey, readZoneKey, writeZoneKey, zoneName, type ZoneKey } from './zone/zone-key.ts';
export { DHT_PROTOCOL } from './options.ts';
export { HOP_PROTOCOL } from './nat/relay-keeper.ts';
export { MAX_BYTES_PER_SECOND as MAX_TOLD_BYTES_PER_SECOND } from './protocols/bandwidth/constants.ts';
export { meshErrors, type DialReason } from './errors.ts';
export type { IceServers, IdentityOption, MeshComponents, MeshOptions, RelayServerOptions } from './options.ts';
export { STUN_DEFAULT_PORT, type NatOptions, type PortMapping } from './nat/options.ts';
export type { LinkFigures } from './links/link-figures.ts';
export * from './types.ts';
export { isProcessHeld } from './transports/webrtc-listener.ts';
export { BanList, type Ban } from './zone/bans.ts';
export { houseKey } from './zone/house-key.ts';
export type { ZoneOption, ZoneOptions } from './zone/options.ts';
export * from './capability/index.ts';

/**
 * A mesh node, not started. Throws MESH_IDENTITY_*, MESH_TRANSPORT_UNAVAILABLE, ZONE_NO_SILENT_TRANSPORT; its `start` throws MESH_PORT_IN_USE or
 * MESH_LISTEN_FAILED.
 */
export const createMesh = async (options: MeshOptions, components: MeshComponents): Promise<Mesh> => (await composeMesh(options, components)).mesh;
