import { PeerProcess } from './peer-processes.ts';
import type { HostConfig } from '../../src-main/host/index.ts';
import type { AnswerProcess } from './answer-process.ts';
import { createInternet, holdUdp, letUdp, receivedBy } from './lans.ts';
import { loopbackNetwork, type NetworkHost } from './network.ts';
import { TcpLines } from './tcp-lines.ts';

/** Two hosts that meet at a relay and, when told so, without it. */
export interface RelayGround {
  readonly hosts: readonly [NetworkHost, NetworkHost];
  /** How a node on them is set up. */
  readonly config: Pick<HostConfig, 'listen' | 'relays' | 'zone'>;
  /** The way to the relay, for everybody. */
  readonly relayAddress: string;
  /** The direct way, once there is one. */
  readonly transport: 'webrtc' | 'tcp + tls + yamux';
  /** Bytes that came to the relay so far. */
  carried(): number;
  /** From now on the two can reach each other. */
  letThrough(near: AnswerProcess, far: AnswerProcess): Promise<void>;
  killRelay(): void;
  stop(): void;
}

const PORT = 4001;
const STUN_PORT = 3478;

/** Each behind a router of its own, with a relay that anybody reaches. The routers pass no UDP on at first, so that WebRTC finds no way. */
export async function natGround(): Promise<RelayGround> {
  const net = createInternet({ publicHosts: 1, lans: [{ hosts: 1, nat: 'cone' }, { hosts: 1, nat: 'cone' }] });
  for (const lan of net.lans) holdUdp(lan);
  const [host] = net.publicHosts;
  const relay = new PeerProcess({ isRelay: true, listen: [`/ip4/${host!.address}/tcp/${PORT}`], prefix: host!.prefix, nat: { stunServer: { address: host!.address, port: STUN_PORT } } });
  const { peer } = await relay.said('ready');
  const relayAddress = `/ip4/${host!.address}/tcp/${PORT}/p2p/${String(peer)}`;
  return {
    hosts: [net.lans[0]!.hosts[0]!, net.lans[1]!.hosts[0]!], relayAddress, transport: 'webrtc',
    config: { listen: [`/ip4/0.0.0.0/tcp/${PORT}`], relays: [relayAddress], zone: 'public' },
    carried: () => receivedBy(host!),
    letThrough: () => Promise.resolve(net.lans.forEach(letUdp)),
    killRelay: () => relay.kill(),
    stop: () => { relay.kill(); net.stop(); },
  };
}

/** What is left where namespaces cannot be made: a relay on the loopback, behind a line that counts; the way without it is dialled. */
export async function loopbackRelay(): Promise<RelayGround> {
  const lines = new TcpLines();
  const relay = new PeerProcess({ isRelay: true });
  const { peer, addresses } = await relay.said('ready');
  const port = await lines.add({ from: 0, to: 0 }, Number(/\/tcp\/(\d+)/.exec(String((addresses as string[])[0]))?.[1]));
  const relayAddress = `/ip4/127.0.0.1/tcp/${port}/p2p/${String(peer)}`;
  const [near, far] = loopbackNetwork(2).hosts;
  return {
    hosts: [near!, far!], relayAddress, transport: 'tcp + tls + yamux',
    // Without `relays`, which would bring WebRTC: it needs no UDP of routers here, and would be there at once.
    config: { listen: ['/ip4/127.0.0.1/tcp/0', `${relayAddress}/p2p-circuit`], relays: [], zone: 'local' },
    carried: () => lines.carried,
    letThrough: async (from, to) => {
      const direct = (await to.ask({ kind: 'state' })).addresses.find((address) => !address.includes('p2p-circuit'));
      await from.ask({ kind: 'dial', address: String(direct) });
    },
    killRelay: () => relay.kill(),
    stop: () => { relay.kill(); lines.stop(); },
  };
}
