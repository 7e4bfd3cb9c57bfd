import { asManifestCid, asPeerId, endsIn, toCoded, type Logger, type ManifestCid, type PeerId, type SpawnChild } from '../base/index.ts';
import type { LayerSource, LayerSupply, OfferedShard, PeerOffer } from '../pipeline/index.ts';
import type { Manifest } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import type { AppPaths } from './paths.ts';
import { onAnyPort, transferOptions } from './share-store.ts';
import { Transfer } from './transfer.ts';

/** A cut that lies whole in this node's store. */
export interface OwnCut {
  readonly manifestCid: string;
  readonly manifest: Manifest;
}

export interface LayerSuppliesInit {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  readonly logger: Logger;
  readonly spawn?: SpawnChild | undefined;
  /** Given from here; absent where this node has no cut of the model. */
  readonly own?: OwnCut | undefined;
}

/** Who has layers that others may fetch: this node, from a process that is started when it is first needed, and peers with shards of one cut. */
export class LayerSupplies {
  readonly #init: LayerSuppliesInit;
  #transfer: Promise<Transfer | undefined> | undefined;

  constructor(init: LayerSuppliesInit) {
    this.#init = init;
  }

  async of(standing: readonly PeerOffer[]): Promise<LayerSupply[]> {
    const { own } = this.#init;
    const others = suppliesOf(standing);
    if (own === undefined) return others;
    const here = await this.#here();
    const alike = others.find(({ manifestCid }) => manifestCid === own.manifestCid)?.sources ?? [];
    const supply = { manifestCid: asManifestCid(own.manifestCid), shards: shardsIn(own.manifest), sources: [...here, ...alike] };
    // Without sources nobody could fetch it.
    return [...(supply.sources.length > 0 ? [supply] : []), ...others.filter(({ manifestCid }) => manifestCid !== own.manifestCid)];
  }

  async stop(): Promise<void> {
    await (await this.#transfer)?.stop();
  }

  /** This node as a source, at the interfaces that it may listen on. */
  async #here(): Promise<LayerSource[]> {
    const transfer = await (this.#transfer ??= this.#start());
    return transfer === undefined ? [] : [{ peer: asPeerId(transfer.peerId), addresses: transfer.addresses }];
  }

  // With an identity of its own: the node that asks for an answer is passing, and so is this.
  async #start(): Promise<Transfer | undefined> {
    const { config, paths, logger, spawn } = this.#init;
    try {
      return await Transfer.start({ ...transferOptions(config, paths), listen: onAnyPort(config.listen), spawn });
    } catch (error) {
      logger.warn({ code: toCoded(error).code }, 'layers cannot be given from here');
      return undefined;
    }
  }
}

/** Peers with shards of one cut hold what others lack of it. */
function suppliesOf(standing: readonly PeerOffer[]): LayerSupply[] {
  const cuts = Map.groupBy(standing.filter((offer): offer is PeerOffer & { readonly manifestCid: ManifestCid } => offer.manifestCid !== undefined), ({ manifestCid }) => manifestCid);
  return [...cuts].map(([manifestCid, holders]) => ({
    manifestCid, shards: unique(holders.flatMap(({ shards }) => shards)), sources: holders.map(({ peer, addresses }) => ({ peer, addresses: addresses.map((address) => endingIn(address, peer)) })),
  }));
}

export const shardsIn = ({ shards }: Manifest): OfferedShard[] => shards.map(({ layer_range: [first, last], size_bytes }) => ({ layers: { first, last }, sizeBytes: size_bytes }));

const unique = (shards: readonly OfferedShard[]): OfferedShard[] => [...new Map(shards.map((shard) => [`${shard.layers.first}-${shard.layers.last}`, shard])).values()];

// Who fetches dials nobody whose id is not part of the address.
const endingIn = (address: string, peer: PeerId): string => (endsIn(address, peer) ? address : `${address}/p2p/${peer}`);
