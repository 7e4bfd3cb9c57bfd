/** Numbers of the frame layout; docs/protocols/stage.md is the reference. */
export const FRAME_VERSION = 1;
export const HEADER_BYTES = 64;

export const FrameType = {
  hello: 1, offersRequest: 2, offers: 3,
  load: 4, progress: 5, loaded: 6, unload: 7,
  open: 8, opened: 9, close: 10, closed: 11,
  run: 12, tokens: 13, hidden: 14, token: 15, credit: 16, window: 17, stop: 18,
  statsRequest: 19, stats: 20,
  ping: 21, pong: 22, error: 23,
  laneRequest: 24, lane: 25,
  traceRequest: 26, trace: 27,
  receiptsRequest: 28, receipts: 29,
  measure: 32, links: 33,
  slice: 34,
  spelling: 35,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** More micro-batches of the same prompt follow: fill the KV cache, sample nothing. With receipts: there may be more of them. */
export const FLAG_MORE = 1;
/** First frame of a run: forget every row at or after `position` before it. */
export const FLAG_TRUNCATE = 2;
/**
 * The token after these rows is known already, from before a stage was lost: sample it again, for the penalty's
 * history and the coordinator's eyes, but feed nothing; the coordinator sends what follows.
 */
export const FLAG_REPLAY = 4;
export const KNOWN_FLAGS = FLAG_MORE | FLAG_TRUNCATE | FLAG_REPLAY;

export type PayloadKind = 'empty' | 'json' | 'tokens' | 'hidden' | 'token' | 'steps' | 'receipts' | 'spelling';

export const PAYLOAD_KIND: Readonly<Record<FrameType, PayloadKind>> = {
  1: 'json', 2: 'empty', 3: 'json', 4: 'json', 5: 'json', 6: 'json', 7: 'empty', 8: 'json', 9: 'empty', 10: 'empty', 11: 'empty',
  12: 'json', 13: 'tokens', 14: 'hidden', 15: 'token', 16: 'empty', 17: 'empty', 18: 'empty', 19: 'empty', 20: 'json', 21: 'empty', 22: 'empty', 23: 'json', 24: 'empty', 25: 'json', 26: 'empty', 27: 'steps',
  28: 'empty', 29: 'receipts',
  32: 'json', 33: 'json', 34: 'json', 35: 'spelling',
};

export const TYPE_NAME: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(FrameType).map(([name, type]) => [type, name]));

/** What came after the first version, as `hello.features` names it: sent only to peers that listed it. */
export const FEATURES = {
  /** laneRequest and lane. */
  lane: 'lane/1',
  /** FLAG_REPLAY. */
  replay: 'replay/1',
  /** `flow` in stats, traceRequest and trace. */
  observe: 'observe/1',
  /** measure and links. */
  links: 'links/1',
  /** `sends` in open. */
  boundary: 'boundary/1',
  /** Rows in Q8. */
  q8: 'q8/1',
  /** Of a stage that signs: `receipts` in open, receiptsRequest and receipts. */
  receipts: 'receipts/1',
  /** `speculate` in open, drafts in its lane, and `speculation` in stats. */
  speculate: 'spec/1',
  /** slice. */
  slice: 'slice/1',
  /** `fetch` in offers and load, `fetching` in progress. */
  fetch: 'fetch/1',
  /** `grammar` in open, and spelling. */
  grammar: 'grammar/1',
  /** A session with a grammar has one answer after the other. */
  answers: 'grammar/2',
} as const;
export type Feature = keyof typeof FEATURES;

/** Byte offsets in the header. */
export const AT = {
  version: 0, type: 1, flags: 2, session: 4, stage: 20, dtype: 22, reserved: 23, run: 24, position: 28, batch: 32, rows: 36, hiddenSize: 40,
  computeUs: 44, serialiseUs: 48, waitUs: 52, payloadBytes: 56, checksum: 60,
} as const;

export const DTYPE_CODE = { f32: 1, f16: 2, q8: 3 } as const;
/** In the order of their codes, which begin with 1. */
export const DTYPES = ['f32', 'f16', 'q8'] as const;
/** token i32, log probability f64, then per alternative token i32 and log probability f64. */
export const TOKEN_BYTES = 12;
