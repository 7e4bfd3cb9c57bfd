import type { PeerId } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';

type Within = { readonly signal?: AbortSignal };
/** What connecting needs of the mesh. */
export type Dialler = Pick<Mesh, 'peers' | 'dial'>;

/** Dials a peer that is not connected: the first address that answers; the last failure when none does. */
export async function ensureConnected(mesh: Dialler, { peer, addresses, ...within }: Within & { readonly peer: PeerId; readonly addresses: readonly string[] }): Promise<void> {
  if (mesh.peers().some((known) => known.peer === peer)) return;
  for (const [index, address] of addresses.entries()) {
    try {
      await mesh.dial(address, within);
      return;
    } catch (error) {
      if (index === addresses.length - 1) throw error;
    }
  }
}
