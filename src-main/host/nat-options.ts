import { peerOf } from '../base/index.ts';
import type { MeshOptions } from '../mesh/index.ts';
import type { HostConfig } from './config.ts';

export type NatConfig = Pick<HostConfig, 'listen' | 'peers' | 'relays' | 'relay' | 'stun' | 'stunPort' | 'portMapping'>;

/** How the node gets by routers, as its owner configured it. Unconfigured, it asks and serves nobody, and only finds out from its own peers whether it is reached. */
export function natOptions({ listen, peers, relays, relay, stun, stunPort, portMapping }: NatConfig): Pick<MeshOptions, 'nat' | 'relayServer' | 'iceServers'> {
  const address = listen.filter((each) => !each.includes('/p2p-circuit')).flatMap((each) => /^\/ip[46]\/([^/]+)\//.exec(each)?.[1] ?? [])[0];
  const stunServer = relay && stunPort > 0 && address !== undefined ? { stunServer: { address, port: stunPort } } : {};
  const members = new Set(peers.flatMap((member) => peerOf(member) ?? []));
  return {
    nat: { relays, portMapping, ...stunServer },
    ...(relay ? { relayServer: { isMember: (peer) => members.has(peer) } } : {}),
    ...(stun.length === 0 ? {} : { iceServers: stun }),
  };
}
