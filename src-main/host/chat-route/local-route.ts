import { startCluster } from '../cluster.ts';
import { routeOverCluster } from '../route.ts';
import type { ChatRoute, RouteRequest } from './chat-route.ts';

/** Over node processes of this machine, which are started for it. */
export async function localRoute({ settings, paths, spawn, signal, model: { model, nodes }, onStatus, onShare }: RouteRequest): Promise<ChatRoute> {
  const cluster = await startCluster({ ...settings, config: { ...settings.config, model } }, { nodes, paths, spawn, signal, onStatus, onShare });
  return {
    ...routeOverCluster(cluster), model: cluster.model, isHere: true,
    // Those that run now: one that ended is started again as another peer.
    get addresses() { return cluster.nodes.flatMap(({ addresses }) => addresses); },
    ownershipOf: () => 'this-machine',
    memoryBytes: () => cluster.memoryBytes(),
    stop: () => cluster.stop(),
  };
}
