/** Branded strings: a shard's CID cannot be passed where a peer id is asked for. */
declare const brand: unique symbol;
export type Branded<T, B extends string> = T & { readonly [brand]: B };

export type PeerId = Branded<string, 'PeerId'>;
export type ShardCid = Branded<string, 'ShardCid'>;
export type ManifestCid = Branded<string, 'ManifestCid'>;
/** 128 random bits as 32 hex digits. */
export type SessionId = Branded<string, 'SessionId'>;

export const asPeerId = (text: string): PeerId => text as PeerId;
export const asShardCid = (text: string): ShardCid => text as ShardCid;
export const asManifestCid = (text: string): ManifestCid => text as ManifestCid;
export const asSessionId = (text: string): SessionId => text as SessionId;

/** Half-open in code would fit arrays; the protocol speaks of first and last layer, so both ends count. */
export interface LayerRange {
  readonly first: number;
  readonly last: number;
}

export const layerCount = (range: LayerRange): number => range.last - range.first + 1;
