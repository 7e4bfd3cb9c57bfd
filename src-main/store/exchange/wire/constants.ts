export const WIRE_VERSION = 1;
export const HEADER_BYTES = 8;
/** CIDv1, codec, BLAKE3, length, digest. */
export const CID_BYTES = 36;

export const FrameType = { hello: 1, have: 2, holdings: 3, leaves: 4, hashes: 5, get: 6, data: 7, cancel: 8, refused: 9 } as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Why a request, or one leaf of it, is not answered. `not yet`: it is on its way here. */
export const REFUSALS = { 'not held': 1, 'too busy': 2, cancelled: 3, damaged: 4, 'not yet': 5 } as const;
export type Refusal = keyof typeof REFUSALS;

export const HELD_KIND = { none: 0, all: 1, some: 2 } as const;

/** What came after the first version, as `hello.features` names it: sent only to peers that listed it. */
export const FEATURES = { notYet: 'not-yet' } as const;
