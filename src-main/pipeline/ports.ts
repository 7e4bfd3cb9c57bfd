import type { Clock, LayerRange, Logger, ManifestCid, Metrics, PeerId } from '../base/index.ts';
import type { ActivationDtype, Backend, StageEngine } from '../inference/index.ts';
import type { FrameStream } from '../mesh/index.ts';

/** A shard that a node holds whole. */
export interface OfferedShard {
  readonly layers: LayerRange;
  readonly sizeBytes: number;
}

/** What a node can run of one model. */
export interface StageOffer {
  readonly modelHash: string;
  readonly manifestCid?: ManifestCid;
  readonly architecture: string;
  readonly totalLayers: number;
  readonly hiddenSize: number;
  readonly shards: readonly OfferedShard[];
}

/** That a node fetches layers which it lacks, for who asks. */
export interface FetchAbility {
  /** What its quota and its disk have room for. */
  readonly freeBytes: number;
  readonly bytesPerSecond: number;
  /** That speed was measured in an earlier fetch; else it is assumed. */
  readonly isMeasured: boolean;
}

export interface LayerSource {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
}

/** Shards of one cut that can be fetched, and who has them: all of them, or some. */
export interface LayerSupply {
  readonly manifestCid: ManifestCid;
  /** In order of layers. */
  readonly shards: readonly OfferedShard[];
  readonly sources: readonly LayerSource[];
}

/** Where a stage's node fetches layers that it lacks. */
export interface LayerFetch {
  readonly manifestCid: ManifestCid;
  readonly sources: readonly LayerSource[];
  /** About how much that is, and how long it takes where the node's speed is known. */
  readonly bytes: number;
  readonly ms?: number;
}

/** What a node says of itself, so that it can be given what it is able to do. */
export interface NodeReport {
  readonly backend: Backend;
  /** Memory that weights and KV caches may take now. */
  readonly freeBytes: number;
  /** Weights read per second while an answer's tokens are computed. Measured in its last runs, or guessed from its memory's speed. */
  readonly decodeBytesPerSecond: number;
  /** Weights times prompt tokens per second, as well. */
  readonly prefillBytesPerSecond: number;
  /** Both speeds were measured in runs of a model. */
  readonly isMeasured: boolean;
  /** Absent: it does not fetch layers, or not for us. */
  readonly fetch?: FetchAbility;
}

/** The machine, as the host sees it. */
export interface Machine {
  readonly backend: Backend;
  readonly freeBytes: number;
  readonly memoryBytesPerSecond: number;
}

export interface StageLoadRequest {
  readonly modelHash: string;
  /** Always a run of whole shards of one offer. */
  readonly layers: LayerRange;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly contextTokens: number;
  readonly maxSessions: number;
  readonly batchTokens: number;
  readonly signal: AbortSignal;
  readonly onProgress: (bytesDone: number, bytesTotal: number) => void;
}

export interface FetchRequest {
  readonly asker: PeerId;
  readonly modelHash: string;
  readonly layers: LayerRange;
  readonly manifestCid: ManifestCid;
  readonly sources: readonly LayerSource[];
  /** How long nobody may have what is missing. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (bytesDone: number, bytesTotal: number) => void;
}

/** Brings layers to this node that it lacks; nothing of what it is told is trusted. */
export interface LayerFetcher {
  /** Undefined where its owner does not want it to fetch for that peer. */
  ability(asker: PeerId): Promise<FetchAbility | undefined>;
  /** Resolves when the source's offers have the layers, at once where they do. Rejects with what the store or a transfer throws. */
  fetch(request: FetchRequest): Promise<void>;
}

/** The shards and engines of this node; the host implements it over store and inference. */
export interface StageSource {
  offers(): Promise<readonly StageOffer[]>;
  machine(): Promise<Machine>;
  /** Absent: this node loads only what it holds. */
  readonly fetcher?: LayerFetcher;
  load(request: StageLoadRequest): Promise<StageEngine>;
  /** An engine that `load` gave is gone. */
  unloaded?(request: Pick<StageLoadRequest, 'modelHash' | 'layers'>): void;
}

/**
 * Opens one stream of STAGE_PROTOCOL. For its own peer id a host returns one end
 * of `createLocalStreams` and gives the other to its own stage runner.
 */
export type Connect = (peer: PeerId, addresses: readonly string[], options: { readonly signal?: AbortSignal }) => Promise<FrameStream>;

/** What was measured of the way to a peer. */
export interface MeasuredLink {
  /** The least of a few. */
  readonly rttMs: number;
  /** In the slower direction; undefined where the peer does not take part. */
  readonly bytesPerSecond: number | undefined;
  /** Since it was measured. */
  readonly ageMs: number;
}

export interface MeasureRequest {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

/** Measures the link from this node to a peer, or tells what was measured not long ago. Rejects where the peer is not reached. */
export type MeasureLink = (request: MeasureRequest) => Promise<MeasuredLink>;

/** This node's identity; the mesh implements it and keeps the key. */
export interface Signer {
  readonly peerId: PeerId;
  /** 64 bytes, Ed25519. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Whether `peer` signed these bytes. Never rejects because of what it is given. */
export type VerifySignature = (peer: PeerId, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean>;

export interface PipelineComponents {
  readonly connect: Connect;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface CoordinatorComponents extends PipelineComponents {
  /** Without it, no answer has receipts. */
  readonly verifySignature?: VerifySignature;
}

/** Where lanes listen and whom they dial: numeric addresses. */
export interface LaneNetwork {
  /** The address to listen on; undefined: no lane now. */
  bindHost(): string | undefined;
  /** Where a connected peer is; undefined: not reached directly. */
  hostOf(peer: PeerId): string | undefined;
  /** Another number whenever `hostOf` may tell otherwise than before: cheap enough to be asked with each row. */
  epoch(): number;
}

/** One stage of a route, in order of layers. */
export interface StageAssignment {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  readonly layers: LayerRange;
  /** As what it sends hidden states on; by default as the pipeline says. Means nothing on the last stage. */
  readonly sends?: ActivationDtype;
  /** The peer lacks some of the layers, and fetches them first. */
  readonly fetch?: LayerFetch;
}
