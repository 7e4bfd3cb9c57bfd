import { isCoded } from '../../base/index.ts';
import { askPeers } from '../../api/index.ts';

/** What another node of the mesh has, as it told itself; absent what it did not. */
export interface MemberMemory {
  readonly peerId: string;
  readonly name?: string;
  readonly ramFreeBytes?: number;
  readonly ramTotalBytes?: number;
  /** Of its GPUs together. */
  readonly gpuTotalBytes?: number;
}

/** Others that are there now, as the node that runs with this home knows them; none where none runs. @throws API_CONTROL_FAILED */
export async function members(home: string, signal: AbortSignal): Promise<readonly MemberMemory[]> {
  const { peers } = await askPeers(home, signal).catch((error: unknown) => {
    if (isCoded(error, 'API_NOT_RUNNING')) return { peers: [] };
    throw error;
  });
  return peers.flatMap(({ peerId, member }) => {
    if (member === undefined) return [];
    const { name, machine: { ramFreeBytes, ramTotalBytes }, gpus = [] } = member;
    const sizes = gpus.flatMap(({ memoryTotalBytes }) => memoryTotalBytes ?? []);
    return [{
      peerId, ...(name === undefined ? {} : { name }), ...(ramFreeBytes === undefined ? {} : { ramFreeBytes }), ...(ramTotalBytes === undefined ? {} : { ramTotalBytes }),
      ...(sizes.length === 0 ? {} : { gpuTotalBytes: sizes.reduce((sum, bytes) => sum + bytes, 0) }),
    }];
  });
}
