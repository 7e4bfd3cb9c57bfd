import { isCoded, type PeerId } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';

/** Of an address, before another one of the same peer is tried. The mesh dials one at a time of a peer. */
const TRY_MS = 1000;

type Within = { readonly signal?: AbortSignal };
/** What connecting needs of the mesh. */
export type Dialler = Pick<Mesh, 'peers' | 'dial'>;

/** Dials a peer that is not connected: the first address that answers, silent ones again once all were tried; the last failure when none does. */
export async function ensureConnected(mesh: Dialler, { peer, addresses, signal }: Within & { readonly peer: PeerId; readonly addresses: readonly string[] }): Promise<void> {
  if (mesh.peers().some((known) => known.peer === peer) || addresses.length === 0) return;
  const silent = addresses.length === 1 ? addresses : await dialEach(mesh, addresses, { tryMs: TRY_MS, signal });
  if (silent.length > 0) await dialEach(mesh, silent, { signal });
}

interface Dialling {
  /** Of each; as long as the mesh dials when absent. */
  readonly tryMs?: number;
  readonly signal: AbortSignal | undefined;
}

/** Those that were silent, when none answered and some were; throws the last failure when all failed. */
async function dialEach(mesh: Dialler, addresses: readonly string[], { tryMs, signal }: Dialling): Promise<readonly string[]> {
  const silent: string[] = [];
  let failure: unknown;
  for (const address of addresses) {
    const timeUp = tryMs === undefined ? undefined : AbortSignal.timeout(tryMs);
    const within = [signal, timeUp].filter((one) => one !== undefined);
    try {
      await mesh.dial(address, within.length === 0 ? {} : { signal: AbortSignal.any(within) });
      return [];
    } catch (error) {
      if (signal?.aborted === true) throw error;
      failure = error;
      if (timeUp?.aborted === true && isCoded(error, 'MESH_DIAL_FAILED')) silent.push(address);
    }
  }
  if (silent.length === 0) throw failure;
  return silent;
}
