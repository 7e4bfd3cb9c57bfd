import type { StageDtypes, TokenLogprob } from './types.ts';

/** A name (16 bytes) and a secret (32 bytes) for one connection, made by the side that listens. */
export interface LaneTicket {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

/** Which tokens stage 0 feeds again by itself. */
export interface LaneFeed {
  /** Tokens that may still be produced. */
  readonly left: number;
  /** Tokens at positions >= limit wait until it is raised. */
  readonly limit: number;
  readonly endTokens: readonly number[];
  /** What may follow the token that is due, right or wrong: drafted before anything is looked up. */
  readonly guess?: readonly number[];
}

/** Whether stage 0 guesses tokens ahead: where it brings something, or in any case (for measuring and tests). */
export type Speculation = 'adaptive' | 'always';

/** One row's way: its run, its position (of a token: the token's), and what the stages after stage 0 spent on it. */
export interface LaneStep {
  readonly run: number;
  readonly position: number;
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
}

export interface LaneLoss {
  readonly side: 'own' | 'previous' | 'next';
  readonly wasUp: boolean;
  readonly detail: string;
}

export interface LaneToken extends LaneStep {
  readonly token: number;
  readonly logprob: number;
  readonly top: readonly TokenLogprob[];
  readonly passedOn: boolean;
  /** When it was sampled, µs of the lane's own clock: only the time between two tokens of one lane means something. */
  readonly atUs: number;
}
export type LaneRow = LaneStep & { readonly data: Uint8Array };

export interface LaneListener {
  /** The connection to the next stage stands. */
  onUp(session: number): void;
  /** The connection to a neighbour ended (`wasUp`: rows may be lost) or could not be had; `own`: a row could not be computed. */
  onLost(session: number, loss: LaneLoss): void;
  /** The last stage sampled; `passedOn`: stage 0 has it already. */
  onToken(session: number, token: LaneToken): void;
  /** A row that no connection takes on: it goes over the mesh. */
  onHidden(session: number, row: LaneRow): void;
}

/** Sums of a session's present run, µs. */
export interface LaneStats {
  readonly frames: number;
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
  /** Times round the ring, measured on stage 0, and what the other stages say they spent of them. */
  readonly rings: number;
  readonly ringUs: number;
  readonly ringInsideUs: number;
  /** Records sent on, with their framing. */
  readonly bytesOut: number;
  /** On stage 0: rows that were drafts, and drafts that came true. */
  readonly drafted: number;
  readonly accepted: number;
  /** On the last stage: rows not computed, because their draft did not come true. */
  readonly dropped: number;
}

/** What one row took; `atUs`: when its pass ended. */
export interface LaneStepTime {
  readonly position: number;
  readonly atUs: number;
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
  /** It was computed from a guessed token; whether that came true is not known here. */
  readonly isDraft: boolean;
}

/** The newest rows of the present run, one per position, oldest first, at most 4,096; `nowUs`: the same clock, when this was answered. */
export interface LaneSteps {
  readonly nowUs: number;
  readonly steps: readonly LaneStepTime[];
}

/**
 * Decode steps without JavaScript: rows of one session at a time come from the stage before and go to the stage after
 * over encrypted connections of the engine's own (docs/protocols/lane.md). Prompts go through `forward` as ever; both
 * may be used in turn, as long as a session's rows come in order. Calls take effect in order and do not throw: what
 * goes wrong with a session, its listener hears as a loss.
 */
export interface DecodeLane {
  readonly port: number;
  /** How long the present pass runs, µs, as far as is known here; 0 when idle. */
  busyUs(): number;
  /** Takes one connection with this ticket as the one before `session`; tell the ticket when this resolves. Rejects with ENGINE_*. */
  expect(session: number, ticket: LaneTicket): Promise<void>;
  /** Dials the stage after `session`; the listener hears how it went. */
  connect(session: number, to: { readonly host: string; readonly port: number }, ticket: LaneTicket): void;
  /** Rows and tokens of other runs are dropped from now on. */
  begin(session: number, run: number, dtypes: StageDtypes): void;
  /** Rows of the session may be drafts; to be told to all of its stages before the first run. */
  speculate(session: number, how: Speculation): void;
  /** Stage 0: the lane decides from now on which tokens are fed. */
  feed(session: number, run: number, feed: LaneFeed): void;
  /** Stage 0: a token that came another way. */
  token(session: number, run: number, at: { readonly token: number; readonly position: number }): void;
  limit(session: number, run: number, limit: number): void;
  stop(session: number, run: number): void;
  stats(session: number): Promise<LaneStats>;
  steps(session: number): Promise<LaneSteps>;
  /** Forgets the session and ends its connections. */
  leave(session: number): void;
}

/** What an engine's lane tells, as a message. */
export type LaneEvent =
  | { readonly kind: 'up'; readonly session: number }
  | LaneLoss & { readonly kind: 'lost'; readonly session: number }
  | LaneToken & { readonly kind: 'token'; readonly session: number }
  | LaneRow & { readonly kind: 'hidden'; readonly session: number };

export function tellListener(listener: LaneListener, event: LaneEvent): void {
  switch (event.kind) {
    case 'up': return listener.onUp(event.session);
    case 'lost': return listener.onLost(event.session, event);
    case 'token': return listener.onToken(event.session, event);
    default: return listener.onHidden(event.session, event);
  }
}

export const NO_LANE_STATS: LaneStats = { frames: 0, computeUs: 0, serialiseUs: 0, waitUs: 0, rings: 0, ringUs: 0, ringInsideUs: 0, bytesOut: 0, drafted: 0, accepted: 0, dropped: 0 };
export const NO_LANE_STEPS: LaneSteps = { nowUs: 0, steps: [] };
