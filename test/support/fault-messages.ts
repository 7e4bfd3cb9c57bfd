import type { PeerId } from '../../src-main/base/index.ts';

/** What test/support/fault-node.ts is started with, as JSON. */
export interface FaultSetup {
  readonly name: string;
  /** A folder of its own, for its address book; it is there. */
  readonly home: string;
  readonly listen: readonly string[];
  /** Multiaddrs that end in a peer id. */
  readonly members: readonly string[];
  /** By default a new identity. */
  readonly identityPath?: string;
}

/** What a process holds, after a collection. */
export interface FaultHeld {
  /** JavaScript's heap and what its objects hold outside. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly fds: number;
  readonly connections: number;
  /** What keeps its event loop alive. */
  readonly resources: number;
}

export type ToFaultNode = { readonly kind: 'round'; readonly round: number } | { readonly kind: 'held' | 'facts' | 'stop' };

export type FromFaultNode =
  | { readonly event: 'ready'; readonly peer: PeerId; readonly addresses: readonly string[] }
  | { readonly event: 'connect' | 'disconnect'; readonly peer: PeerId }
  /** For the first time in this round: its gossip of this round was heard, a frame came back on the stream to it. */
  | { readonly event: 'heard' | 'echoed'; readonly peer: PeerId; readonly round: number }
  | { readonly event: 'stream-lost'; readonly peer: PeerId; readonly code: string }
  | { readonly event: 'wrong'; readonly what: string }
  /** A member was dialled in vain. */
  | { readonly event: 'unreached' }
  | { readonly event: 'facts'; readonly addresses: readonly string[]; readonly clockMs: number }
  | ({ readonly event: 'held' } & FaultHeld);
