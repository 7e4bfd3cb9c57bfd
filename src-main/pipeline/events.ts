import type { LayerRange, PeerId, SessionId } from '../base/index.ts';

/** What happens on a node that serves stages; low rate, for the live view. */
export interface StageRunnerEvents {
  'engine:loaded': { readonly modelHash: string; readonly layers: LayerRange; readonly weightBytes: number };
  'engine:unloaded': { readonly modelHash: string; readonly layers: LayerRange };
  'session:opened': { readonly session: SessionId; readonly coordinator: PeerId; readonly layers: LayerRange };
  'session:closed': { readonly session: SessionId; readonly errorCode: string | undefined };
}
