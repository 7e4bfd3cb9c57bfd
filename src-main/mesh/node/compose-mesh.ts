import { DirectLinks } from '../direct/direct-links.ts';
import { loadIdentity } from '../identity/identity.ts';
import { createSigner } from '../identity/signature.ts';
import { meshMetrics } from '../metrics.ts';
import type { MeshComponents, MeshOptions } from '../options.ts';
import { Transports } from '../transports/transports.ts';
import type { Mesh } from '../types.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';
import { MeshNode } from './mesh-node.ts';

export interface ComposedMesh {
  readonly mesh: Mesh;
  readonly libp2p: MeshLibp2p;
}

/** The mesh and what is under it, not started. Throws MESH_IDENTITY_*, MESH_TRANSPORT_UNAVAILABLE. */
export async function composeMesh(options: MeshOptions, components: MeshComponents): Promise<ComposedMesh> {
  const privateKey = await loadIdentity(options.identity);
  const metrics = meshMetrics(components.metrics);
  const direct = new DirectLinks(privateKey, components.clock);
  const transports = new Transports({ iceServers: options.iceServers ?? [] });
  const libp2p = await createMeshLibp2p(privateKey, options, { clock: components.clock, refused: metrics.refused, direct, transports });
  return { mesh: new MeshNode(libp2p, options, { ...components, metrics, direct, transports, signer: createSigner(privateKey) }), libp2p };
}
