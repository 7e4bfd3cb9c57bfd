import { toCoded } from '../base/index.ts';
import type { ModelOffer } from '../mesh/index.ts';
import type { HostInfo, HostStatus, LoadingStep, Stage } from '../../src-preload/bridge/index.ts';
import type { Pipeline, StageProgress } from '../pipeline/index.ts';
import { label } from './capability/label.ts';
import { joined } from './capability/layer-sets.ts';
import type { ChatRoute } from './chat-route/chat-route.ts';

/** What the chat model tells of itself, made of what happened to it. */

export const failed = (error: unknown): HostStatus => {
  const { code, message, next, meta } = toCoded(error);
  return { kind: 'error', code, message, ...(next === undefined ? {} : { next }), meta };
};

/** Tells a share of 0..1 only where it is another percent. */
export function inPercent(tell: (share: number) => void): (share: number) => void {
  let told = 0;
  return (share) => {
    const percent = Math.floor(100 * Math.min(1, share));
    if (percent === told) return;
    told = percent;
    tell(percent / 100);
  };
}

export const stagesOf = (pipeline: Pipeline, { state, ownershipOf }: Pick<Stage, 'state'> & Pick<ChatRoute, 'ownershipOf'>): Stage[] => pipeline.stages.map(({ peer, layers, bytesLoaded, backend }) => ({
  peerId: peer, ownership: ownershipOf(peer), layers: [layers.first, layers.last], bytesLoaded, backend, state,
}));

/** Of what a stage is at while it opens; connecting takes a moment and is not told. */
export function stepOf({ stage: { peer, layers }, phase, bytesDone, bytesTotal }: StageProgress): LoadingStep | undefined {
  const about = { peerId: peer, layers: [layers.first, layers.last] as const };
  if (phase === 'fetching') return { kind: 'fetching', ...about, progress: Math.floor((100 * bytesDone) / Math.max(1, bytesTotal)) / 100 };
  return phase === 'loading' ? { kind: 'opening', ...about } : undefined;
}

export const aboutModel = ({ model: { manifest } }: ChatRoute, contextTokens: number): NonNullable<HostInfo['model']> =>
  ({ name: manifest.model_name, layers: manifest.total_layers, sizeBytes: manifest.total_size_bytes, contextTokens });

/** What other nodes are told that is held of it here. */
export function offerOf({ model: { manifest, shards } }: ChatRoute): Omit<ModelOffer, 'loaded'> {
  const name = label(manifest.model_name);
  return { hash: manifest.model_hash, totalLayers: manifest.total_layers, ...(name === undefined ? {} : { name }), held: joined(shards) };
}
