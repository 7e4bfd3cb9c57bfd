import { z } from 'zod';

/**
 * What crosses the bridge when a command fails. The same shape as src-main/base's WireError
 * (src-main/api/wire-error.ts does not compile when the two differ); written out here because
 * the renderer must not import the host's code.
 */
export interface WireError {
  /** Stable, e.g. `CHATS_BUSY`; callers compare this and never the text. */
  readonly code: string;
  readonly message: string;
  /** The step that the reader can take now, as an imperative sentence. */
  readonly next?: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
  readonly fault: 'peer' | 'local' | 'user';
}

export const wireErrorSchema: z.ZodType<WireError> = z.object({
  code: z.string().min(1).max(100),
  message: z.string().max(4_000),
  next: z.string().max(4_000).exactOptional(),
  meta: z.record(z.string(), z.unknown()),
  retryable: z.boolean(),
  fault: z.enum(['peer', 'local', 'user']),
});

/** A command's failure on the client's side of the bridge. */
export class HostError extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.name = 'HostError';
    this.wire = wire;
  }

  get code(): string {
    return this.wire.code;
  }
}

/** Failures that the client's side finds itself, in the same shape as the host's. */
export const bridgeErrors = {
  disconnected: (): HostError => new HostError({
    code: 'BRIDGE_DISCONNECTED', message: 'the connection to this node was lost', next: 'Wait until it is back, then try again.', meta: {}, retryable: true, fault: 'local',
  }),
  badReply: (command: string): HostError => new HostError({
    code: 'BRIDGE_BAD_REPLY', message: `the node's reply to ${command} has another shape than this page expects`, next: 'Reload the page: the node may run a newer version.', meta: { command }, retryable: false, fault: 'local',
  }),
  answerLost: (): HostError => new HostError({
    code: 'BRIDGE_ANSWER_LOST', message: 'the node was restarted before this answer was finished', next: 'Ask again.', meta: {}, retryable: true, fault: 'local',
  }),
} as const;
