import { DirectLinks } from '../direct/direct-links.ts';
import { loadIdentity } from '../identity/identity.ts';
import { createSigner } from '../identity/signature.ts';
import { stunOfRelays } from '../nat/compose.ts';
import { meshMetrics } from '../metrics.ts';
import type { MeshComponents, MeshOptions } from '../options.ts';
import { namedRelays } from '../transports/chosen-relays.ts';
import { Transports } from '../transports/transports.ts';
import type { Mesh } from '../types.ts';
import { BanList } from '../zone/bans.ts';
import { TrustZone } from '../zone/trust-zone.ts';
import { ZoneWatch } from '../zone/zone-watch.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';
import { MeshNode } from './mesh-node.ts';

export interface ComposedMesh {
  readonly mesh: Mesh;
  readonly libp2p: MeshLibp2p;
}

/** The mesh and what is under it, not started. Throws MESH_IDENTITY_*, MESH_TRANSPORT_UNAVAILABLE, ZONE_NO_SILENT_TRANSPORT. */
export async function composeMesh(options: MeshOptions, components: MeshComponents): Promise<ComposedMesh> {
  const privateKey = await loadIdentity(options.identity);
  const metrics = meshMetrics(components.metrics);
  const { clock, logger } = components;
  const { refused } = metrics;
  const bans = new BanList(options.bansPath, clock);
  const sponsorPath = options.zone?.kind === 'private' ? options.zone.sponsorPath : undefined;
  const sponsor = sponsorPath === undefined ? undefined : await loadIdentity({ kind: 'file', path: sponsorPath });
  const zone = new TrustZone({
    zone: options.zone ?? { kind: 'public' }, sponsor, sessionsPerSecond: options.sessionsPerSecond, knocksPath: options.knocksPath, privateKey, bans, clock, logger, refused, handshake: (result) => metrics.handshake('inbound', result),
  });
  zone.checkListen(options.listen);
  const watch = new ZoneWatch({ zone, bans, clock, logger, refused });
  const direct = new DirectLinks(privateKey, zone);
  const transports = new Transports({ iceServers: options.iceServers ?? stunOfRelays(options.nat), relays: namedRelays(options), refused, watch: (transport) => zone.behind(transport) });
  const libp2p = await createMeshLibp2p(privateKey, options, { clock, refused, direct, transports, zone, faultsOf: (peer) => watch.conduct.faultsOf(peer) });
  return { mesh: new MeshNode(libp2p, options, { ...components, metrics, direct, transports, watch, signer: createSigner(privateKey) }), libp2p };
}
