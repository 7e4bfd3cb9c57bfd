/** Limits of the stage protocol. Each bounds memory or time that a peer can make us spend; docs/protocols/stage.md repeats them. */
import type { RateLimitOptions } from '../base/index.ts';
import type { ProtocolLimits } from '../mesh/index.ts';

export const STAGE_PROTOCOL = '/omni/stage/1.0.0';

/** Bytes of one control message (JSON). */
export const MAX_CONTROL_BYTES = 64 * 1024;
/** Bytes of an answer's grammar (JSON): what a message has room for beside addresses and sampling. */
export const MAX_GRAMMAR_BYTES = 48 * 1024;
/** Bytes of what a vocabulary's tokens spell: 262,144 tokens of 14 bytes. */
export const MAX_SPELLING_BYTES = 4 * 1024 * 1024;
/** Bytes of one tensor: 512 rows of 8192 F32 values. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;
export const MAX_CONTEXT_TOKENS = 1 << 20;
export const MAX_BATCH_TOKENS = 4096;
export const MAX_HIDDEN_SIZE = 65_536;
export const MAX_LAYERS = 1024;
export const MAX_STAGES = 256;
export const MAX_END_TOKENS = 256;
export const MAX_TOP_LOGPROBS = 64;
/** Of one neighbour, in a session's opening. */
export const MAX_ADDRESSES = 16;
/** Peers to which a node measures its links for one question. */
export const MAX_MEASURED_LINKS = 16;
/** How long such a question may take; what was not measured by then is left out. */
export const MEASURE_TIMEOUT_MS = 10_000;
/** Links that one peer may have measured: 64 at once, then one in five seconds. */
export const MEASURE_RATE: RateLimitOptions = { perSecond: 0.2, burst: 64, maxKeys: 1024 };
/** Peers that a stage is told of to fetch layers from. */
export const MAX_FETCH_SOURCES = 16;
/** How long a fetching stage may be asked to wait for somebody who has what is missing. */
export const MAX_FETCH_PATIENCE_MS = 600_000;
/** Prefill micro-batches of one session that may be under way over one boundary. */
export const PREFILL_WINDOW = 4;
/** Single rows of a replay that may be under way over one boundary. */
export const REPLAY_WINDOW = 32;
/** Tokens that stage 0 may run ahead of what the coordinator's reader took. */
export const TOKEN_WINDOW = 64;
/** Tickets to the lane that a stage gives for one session. */
export const MAX_LANE_OFFERS = 4;
/** Steps of a run that a stage remembers for a trace. */
export const MAX_TRACE_STEPS = 4096;
/** Frames handed to a link and not yet taken by the transport; beyond it a session's next step waits. */
export const MAX_PENDING_SENDS = 8;

export const STAGE_LIMITS: ProtocolLimits = {
  maxFrameBytes: MAX_PAYLOAD_BYTES + 64,
  // A session has at most PREFILL_WINDOW + REPLAY_WINDOW + 1 frames under way over a link, a coordinator at most TOKEN_WINDOW tokens.
  maxQueuedFrames: 1024,
  maxInboundStreams: 256,
  maxOutboundStreams: 256,
  // Better through a relay than not at all; the mesh takes a direct connection where there is one.
  relayed: true,
  moves: true,
};

export interface HeartbeatOptions {
  /** A ping on every link in this interval. */
  readonly heartbeatMs: number;
  /** A link on which nothing was heard for this long is dead. */
  readonly heartbeatTimeoutMs: number;
}

export interface RunnerOptions extends HeartbeatOptions {
  /** KV caches per engine, as far as memory goes; a coordinator that finds them taken gets PIPELINE_STAGE_BUSY. */
  readonly maxSessionsPerEngine: number;
  /** Engines (loaded ranges) at the same time on this node. */
  readonly maxEngines: number;
  /** Loaded ranges that one link may hold. */
  readonly maxLeasesPerLink: number;
  /** What one pass of a prompt should take at most where others' tokens wait for it: coordinators are told how many rows that is. */
  readonly prefillSliceMs: number;
  /** How long an engine that no coordinator uses stays loaded. */
  readonly idleUnloadMs: number;
}

export const RUNNER_DEFAULTS: RunnerOptions = {
  heartbeatMs: 5_000, heartbeatTimeoutMs: 15_000, maxSessionsPerEngine: 8, maxEngines: 8, maxLeasesPerLink: 64, prefillSliceMs: 100, idleUnloadMs: 30_000,
};

export interface CoordinatorOptions extends HeartbeatOptions {
  readonly connectTimeoutMs: number;
  /** Longest silence between two progress reports while a stage loads. */
  readonly loadTimeoutMs: number;
  /** How long a stage may fetch layers that it lacks before another is tried. */
  readonly fetchTimeoutMs: number;
  /** Of it, how long nobody may have what is missing. */
  readonly fetchPatienceMs: number;
  readonly openTimeoutMs: number;
  /** Longest time without a new token or prefill credit while all stages still answer pings. */
  readonly tokenTimeoutMs: number;
  /** How long the end of an answer waits for the stages' figures. */
  readonly statsTimeoutMs: number;
  /** As well, for up to 32 receipts of a stage. */
  readonly receiptsTimeoutMs: number;
  /** The same for those that no answer waits for: the next one in its session does. */
  readonly lateReceiptsTimeoutMs: number;
  /** How long a new route waits for the old one's stages to give their sessions back. */
  readonly closeTimeoutMs: number;
  /** Losses in a row, without a new token in between, after which an answer is given up. */
  readonly maxSetbacks: number;
}

export const COORDINATOR_DEFAULTS: CoordinatorOptions = {
  heartbeatMs: 5_000, heartbeatTimeoutMs: 15_000, connectTimeoutMs: 15_000, loadTimeoutMs: 120_000, fetchTimeoutMs: 900_000, fetchPatienceMs: 15_000, openTimeoutMs: 30_000, tokenTimeoutMs: 120_000, statsTimeoutMs: 2_000, receiptsTimeoutMs: 10_000, lateReceiptsTimeoutMs: 5_000, closeTimeoutMs: 500, maxSetbacks: 6,
};
