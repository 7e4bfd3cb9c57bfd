import type { RateLimitOptions } from '../../base/index.ts';
import type { ProtocolLimits } from '../../mesh/index.ts';

/** Sizes, bounds and times of paid sessions; docs/protocols/pay.md repeats them. */
export const PAY_PROTOCOL = '/omni/pay/1.0.0';
export const PAY_LIMITS: ProtocolLimits = {
  maxFrameBytes: 2_048, maxQueuedFrames: 4, maxInboundStreams: 8, maxOutboundStreams: 8, streamsPerSecond: 20, framesPerSecond: 40, relayed: true,
};
/** Questions that one peer may ask. */
export const PAY_RATE: RateLimitOptions = { perSecond: 20, burst: 100, maxKeys: 1024 };
export const PAY_TIMEOUT_MS = 15_000;

/** Of the settlement contract. */
export const MAX_SESSION_NODES = 32;
export const MAX_PATH = Math.ceil(Math.log2(MAX_SESSION_NODES));
export const FEEDBACK_PERIOD_S = 3n * 86_400n;
export const DISTRIBUTION_DELAY_S = 4n * 86_400n;
export const CLAIM_PERIOD_S = 30n * 86_400n;

/** A price is for so many tokens of one layer. */
export const PRICE_TOKENS = 1_000n;
/** Tokens that a node computes beyond the newest voucher. A prompt is vouched for while it is computed. */
export const CREDIT_TOKENS = 1_024;
/** A payer signs a voucher after so many tokens, or after so long where there was at least one. */
export const VOUCH_TOKENS = 64;
export const VOUCH_MS = 2_000;
/** Time that a session has left, at least, when an answer begins: so much, or for each token that it may take. */
export const LEAST_ANSWER_MS = 120_000;
export const SLOW_TOKEN_MS = 200;
/** A payer ends its answers so long before the session's end, and so many tokens before all is spent: sooner than the nodes. */
export const OVER_MS = 2_000;
export const SPENT_TOKENS = 16;
/** How often both sides count. */
export const LOOK_MS = 100;
/** Paid sessions that a node takes at once. */
export const MAX_PAID_SESSIONS = 64;
/** Receipts of one node that a session's bill can be about; with more of them its root is zeros. */
export const MAX_SESSION_RECEIPTS = 16_384;
/** A session that ends sooner is not worth beginning. */
export const LEAST_LEFT_S = 30n;
/** How long a payer's session is open by default. */
export const SESSION_S = 3_600n;
/** The node waits so long, by the chain's clock, for a payer to post its voucher, and to distribute. */
export const PATIENCE_S = 600n;
/** How often both look at what is due. */
export const SETTLE_MS = 15_000;
