import type { Libp2pOptions } from 'libp2p';
import { loadTransport } from '../transports/load-transport.ts';
import type { TransportKind } from '../transports/kinds.ts';
import { directUpgradeByPeer } from './dcutr.ts';
import { stunUrl } from './address.ts';
import { STUN_DEFAULT_PORT, type NatOptions } from './options.ts';
import { natParts, type Libp2pParts, type NatParts } from './parts.ts';
import { portMapper } from './port-mapping.ts';

export type NatServices = { readonly natParts: NatParts; readonly dcutr?: unknown; readonly portMapping?: unknown };
type ServiceFactories = NonNullable<Libp2pOptions['services']>;

export interface NatComposition {
  readonly transports: readonly TransportKind[];
  readonly listen: readonly string[];
  readonly services: ServiceFactories & { readonly natParts: (components: Libp2pParts) => NatParts };
}

/** What passing routers adds to a libp2p node. Packages are loaded where they are used. */
export async function composeNat(options: NatOptions | undefined): Promise<NatComposition> {
  if (options === undefined) return { transports: [], listen: [], services: { natParts: natParts(new EventTarget()) } };
  const { relays = [], portMapping = 'off' } = options;
  // A node with a place at a relay can also be reached by WebRTC, which is negotiated there; without its native part it stays with the relay.
  const hasWebRtc = relays.length > 0 && await canLoadWebRtc();
  const mapped = new EventTarget();
  const services = { natParts: natParts(mapped), dcutr: await directUpgradeByPeer(), ...(portMapping === 'off' ? {} : { portMapping: await portMapper(portMapping, mapped) }) };
  return { transports: relays.length === 0 ? [] : hasWebRtc ? ['relay', 'webrtc'] : ['relay'], listen: hasWebRtc ? ['/webrtc'] : [], services };
}

/** STUN servers for a node whose owner named none: those of its relays, which serve it on the usual port. Nobody else is ever asked. */
export const stunOfRelays = ({ relays = [] }: NatOptions = {}): readonly string[] => [...new Set(relays.flatMap((relay) => stunUrl(relay, STUN_DEFAULT_PORT) ?? []))];

const canLoadWebRtc = (): Promise<boolean> => loadTransport('webrtc', { iceServers: [], relays: new Set(), refused: () => undefined }).then(() => true, () => false);
