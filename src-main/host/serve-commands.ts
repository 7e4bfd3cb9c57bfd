import { homedir } from 'node:os';
import { startControlServer, type HostServiceEvents, type PipelineLoad } from '../api/index.ts';
import { Events, toCoded } from '../base/index.ts';
import { peerService, tellPeers } from './capability/peer-service.ts';
import { appVersion, type AppPaths } from './paths.ts';
import { netOf } from './net-doctor/net-now.ts';
import { metricsText } from './metrics-text.ts';
import type { Node } from './node.ts';

/** Lets the owner's commands (`omninode peers`) ask a node without an app; what cannot be told to them is only logged. */
export async function serveCommands(node: Node, { home, paths }: { readonly home: string; readonly paths: AppPaths }): Promise<() => Promise<void>> {
  const events = new Events<HostServiceEvents>();
  const peers = peerService(node);
  const off = tellPeers(node, peers, events);
  const none: PipelineLoad = { answers: [], waiting: 0 };
  const control = await startControlServer({
    home, logger: node.logger, metrics: metricsText(node),
    host: {
      ...peers, events, net: netOf(node), status: () => ({ kind: 'ready' }), stages: () => [], load: () => none,
      info: () => ({
        name: 'OmniNode', version: appVersion(paths), platform: `${process.platform} ${process.arch}`, node: process.versions.node, mode: 'headless',
        dataDirLabel: home.replace(homedir(), '~'), peerId: node.mesh.peerId, addresses: [...node.mesh.addresses()],
      }),
    },
  }).catch((error: unknown) => {
    node.logger.warn({ code: toCoded(error).code }, 'commands cannot ask this node for its status');
    return undefined;
  });
  return async () => {
    off();
    await control?.stop();
  };
}
