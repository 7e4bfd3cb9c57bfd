import type { IdentityOption } from '../options.ts';
import type { Signer } from '../types.ts';
import { loadIdentity } from './identity.ts';
import { createSigner } from './signature.ts';

/** The node's signatures without the node. Throws MESH_IDENTITY_*. */
export const loadSigner = async (identity: IdentityOption): Promise<Signer> => createSigner(await loadIdentity(identity));
