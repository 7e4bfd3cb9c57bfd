import type { PeerId, SpawnChild } from '../../base/index.ts';
import type { LoadingStep, Ownership } from '../../../src-preload/bridge/index.ts';
import type { Settings } from '../config.ts';
import type { Node } from '../node.ts';
import type { PaidSession, PayHost, Price } from '../paid/index.ts';
import type { AppPaths } from '../paths.ts';
import type { Route } from '../route.ts';
import type { ShardedModel } from '../sharded-model.ts';

/** Where the layers of the app's model are computed. */
export interface ChatRoute extends Route {
  readonly model: ShardedModel;
  /** Of the stages, where others reach them. */
  readonly addresses: readonly string[];
  /** The nodes of this machine hold these layers for others to know; nothing where members compute. */
  readonly isHere: boolean;
  ownershipOf(peer: PeerId): Ownership;
  /** Resident, of the node processes here; undefined until it is known. */
  memoryBytes(): number | undefined;
  /** What its stages are paid by, where they are; `stop` ends it. */
  readonly paid?: PaidSession;
  /** What they would cost: nothing was paid, and nobody asked. */
  readonly price?: Price;
  stop(): Promise<void>;
}

export interface RouteRequest {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly node: Node;
  readonly spawn?: SpawnChild | undefined;
  readonly model: { readonly model: string; readonly id: string; readonly nodes: number };
  /** Absent: nobody is paid. */
  readonly pay?: Pick<PayHost, 'affordable' | 'priceOf' | 'payFor' | 'events'> | undefined;
  /** Somebody has asked something, and waits: its owner may be asked whether that is paid for. Aborted: nobody waits any more. */
  readonly asked?: AbortSignal | undefined;
  /** Before it is paid for. */
  readonly onPrice: (price: Price) => void;
  readonly signal: AbortSignal;
  readonly onStatus: (text: string) => void;
  /** Of the model that was cut, 0..1. */
  readonly onShare: (share: number) => void;
  readonly onStep: (step: LoadingStep) => void;
}

