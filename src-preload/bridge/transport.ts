import { z } from 'zod';
import { callResultSchema, type CallResult, type CommandInput, type CommandName, type CommandOutput } from './commands.ts';
import { count } from './primitives.ts';

/** One line to a host, whatever carries it. Does not reconnect: src-renderer/host does. */
export interface HostConnection {
  /** Rejects with a HostError. */
  call<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>>;
  /** Pushes as they come, not yet checked; none before `state.subscribe`. */
  onPush(listener: (raw: unknown) => void): () => void;
  /** Once, when the line is gone; calls in flight have then failed with BRIDGE_DISCONNECTED. */
  onClose(listener: () => void): () => void;
  close(): void;
}

/** All that the preload gives the page, as `window.host`: verbs, and nothing of Electron. */
export interface HostVerbs {
  call(name: string, input: unknown): Promise<CallResult>;
  onPush(listener: (raw: unknown) => void): () => void;
  /** Where a file lies that the user dropped or chose; empty for one that is on no disk. */
  readonly pathOf?: (file: unknown) => string;
}

/** Electron's channels. */
export const IPC = { call: 'omninode:call', push: 'omninode:push' } as const;

/** WebSocket: JSON text frames on this path; the key travels as the second subprotocol, never in the URL. */
export const SOCKET = { path: '/bridge', protocol: 'omninode.1', keyPrefix: 'key.', maxFrameBytes: 1_048_576 } as const;

export const callFrameSchema = z.strictObject({ id: count, call: z.string().min(1).max(100), input: z.unknown() });
export type CallFrame = z.infer<typeof callFrameSchema>;

export const resultFrameSchema = z.object({ id: z.number().int(), result: callResultSchema });
export const pushFrameSchema = z.object({ push: z.unknown() });
export type ServerFrame = { readonly id: number; readonly result: CallResult } | { readonly push: unknown };
